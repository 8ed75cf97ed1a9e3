/**
 * The HTTP client for everything but crawling: the service's own API and the receiver of alerts. The operator chooses these addresses, so
 * private ones are allowed.
 */
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"

/** Fresh wherever it is provided: Effect builds a shared layer only once, with the `fetch` of its first use. */
export const layer = Layer.fresh(FetchHttpClient.layer)
