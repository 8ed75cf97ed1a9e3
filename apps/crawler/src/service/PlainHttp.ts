/**
 * HTTP for whatever is not the crawler: the service's own API, the receiver of alerts. These addresses are the operator's, so that
 * private ones are allowed.
 */
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"

/** A client of its own wherever it is provided: Effect builds a layer that is used twice once, with the `fetch` of the first use. */
export const layer = Layer.fresh(FetchHttpClient.layer)
