/**
 * Everything that the service answers, and the envelope for requests that reach no handler.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import type { Store } from "@redrive/durable/Store"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Accounts } from "./Accounts.ts"
import * as Authorization from "./Authorization.ts"
import * as Content from "./Content.ts"
import type { Crawler } from "./Crawler.ts"
import * as Handlers from "./Handlers.ts"
import * as Health from "./Health.ts"
import type { Jobs } from "./Jobs.ts"

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

const isHtml = ({ headers }: HttpServerResponse.HttpServerResponse): boolean =>
  headers["content-type"]?.startsWith("text/html") === true

/** Answers in the envelope whatever the handlers leave unanswered. */
const enveloped = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  app.pipe(
    Effect.catchCause((cause) => Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)),
    Effect.map((response) => {
      const { status } = response
      // The browser makes sure that the documentation asks no other host.
      if (isHtml(response) && response.headers["content-security-policy"] === undefined)
        return HttpServerResponse.setHeader(response, "content-security-policy", docsPolicy)
      if (status < 400 || isHtml(response) || response.headers["content-type"] === "application/json") return response
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
  /** The page that people watch, if there is one. */
  readonly page: ReturnType<Page>
}

/** What a page shows and acts on. */
export type PageNeeds = Accounts | Crawler | Jobs | SqlClient.SqlClient | Store

/** Adds a page for people to the routes of the API; the policy is the one in force. */
export type Page = (policy: RetryPolicy.RetryPolicy) => Layer.Layer<never, SqlError, HttpRouter.HttpRouter | PageNeeds>

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
      Layer.mergeAll(
        routes(options),
        layerDocs,
        Content.layer,
        Health.layer,
        PrometheusMetrics.layerHttp(),
        options.page
      )
    ),
    enveloped
  )
