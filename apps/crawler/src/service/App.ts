/**
 * Everything that the service answers, and the envelope for requests that reach no handler.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Authorization from "./Authorization.ts"
import * as Content from "./Content.ts"
import * as Handlers from "./Handlers.ts"
import * as Health from "./Health.ts"

/** The answers to requests that match no route or whose body cannot be read, by HTTP status. */
const offences: { readonly [status: number]: string } = {
  404: "path is invalid",
  405: "method is invalid",
  413: "request body is invalid: it is too large",
  415: "content-type is invalid: send application/json"
}

const docsPolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data: blob:; font-src data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Answers in the envelope whatever the handlers leave unanswered. */
const enveloped = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  app.pipe(
    Effect.catchCause((cause) => Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)),
    Effect.map((response) => {
      const { status } = response
      // The documentation is the only page of ours: the browser makes sure that it asks no other host.
      if (response.headers["content-type"]?.startsWith("text/html") === true)
        return HttpServerResponse.setHeader(response, "content-security-policy", docsPolicy)
      if (status < 400 || response.headers["content-type"] === "application/json") return response
      const reason =
        status < 500
          ? new JobError.InvalidRequest({ lastError: offences[status] ?? "request body is invalid" })
          : new JobError.InternalError({})
      return HttpServerResponse.jsonUnsafe(Wire.envelope(reason), { status })
    })
  )

/** What the service is started with. */
export interface Options {
  /** Whether private and loopback addresses are crawled, and told by webhooks. */
  readonly allowPrivate: boolean
  /** The most requests of an account in a minute. */
  readonly requestsPerMinute: number
}

const routes = ({ allowPrivate, requestsPerMinute }: Options) =>
  HttpApiBuilder.layer(CrawlApi.CrawlApi, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide(Handlers.layer(allowPrivate)),
    Layer.provide(Authorization.layer(requestsPerMinute)),
    Layer.provide(CrawlApi.layerInvalidRequests)
  )

/** The API's documentation as a page with all that it needs. */
const layerDocs = HttpApiScalar.layer(CrawlApi.CrawlApi, {
  path: "/docs",
  scalar: { withDefaultFonts: false }
})

/** Answers every request: those of the API, its documentation at `/docs`, and Prometheus at `/metrics`. */
export const make = (options: Options) =>
  Effect.map(
    HttpRouter.toHttpEffect(
      Layer.mergeAll(routes(options), layerDocs, Content.layer, Health.layer, PrometheusMetrics.layerHttp())
    ),
    enveloped
  )
