/**
 * The crawl API as one contract, shared by server and client.
 *
 * Paths and request fields are those of the API; the statuses of errors come from the catalogue, their shapes from `Wire`. A server
 * implements it with `HttpApiBuilder`; `CrawlClient` calls it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"

const { insufficient_balance, internal_error, invalid_request } = catalogue.job

const invalidRequest = Wire.InvalidRequest.pipe(HttpApiSchema.status(invalid_request.status))
const unauthorized = Wire.Unauthorized.pipe(HttpApiSchema.status(invalid_request.details.unauthorized.status))
const jobNotFound = Wire.JobNotFound.pipe(HttpApiSchema.status(invalid_request.details.job_not_found.status))
const insufficientBalance = Wire.InsufficientBalance.pipe(HttpApiSchema.status(insufficient_balance.status))
const internalError = Wire.InternalError.pipe(HttpApiSchema.status(internal_error.status))

const withDefault = <S extends Schema.Top & Schema.WithoutConstructorDefault>(
  schema: S,
  value: S["Type"] & S["~type.make.in"]
) =>
  schema.pipe(
    Schema.withConstructorDefault(Effect.succeed(value)),
    Schema.withDecodingDefaultTypeKey(Effect.succeed(value))
  )

const isHttpUrl = (url: string): boolean => {
  if (!URL.canParse(url)) return false
  const { password, protocol, username } = new URL(url)
  return (protocol === "http:" || protocol === "https:") && username === "" && password === ""
}

/**
 * An absolute http or https URL without credentials.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PageUrl = Schema.String.check(
  Schema.makeFilter((url) => isHttpUrl(url) || "expected an absolute http or https URL without credentials")
)

const positive = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))
const depth = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

/**
 * The pages to crawl, and the form in which their text is kept.
 *
 * A crawl starts at `url` and follows links on its host. `CrawlRequest.make` throws a `SchemaError` if a field is wrong.
 *
 * @category models
 * @since 0.1.0
 */
export class CrawlRequest extends Schema.Class<CrawlRequest>("@redrive/crawl/CrawlRequest")({
  /** The page to start at: an absolute http or https URL without credentials. No default. */
  url: PageUrl,
  /** The most pages to crawl, from 1 to 100,000. Default: 10. */
  itemsLimit: withDefault(positive, 10),
  /** The most links between the start and a page, from 0 to 1000. Default: no limit. */
  maxDepth: Schema.optionalKey(depth),
  /** The format of each page's content: `html`, `cleaned` or `markdown`. Default: `markdown`. */
  scrapeType: withDefault(Job.Format, "markdown"),
  /** Further formats of each page's content. Default: none. */
  outputFormats: withDefault(Schema.Array(Job.Format), []),
  /** A regular expression; only links that match it are followed. Default: empty, which matches all. */
  whitelistRegexp: withDefault(Schema.String, ""),
  /** A regular expression; no link that matches it is followed. Default: empty, which excludes none. */
  blacklistRegexp: withDefault(Schema.String, ""),
  /** Whether links to subdomains of the start's host are followed. Default: `false`. */
  allowSubdomains: withDefault(Schema.Boolean, false),
  /** Whether pages that the site's robots.txt forbids are left out. Default: `false`. */
  respectRobotsTxt: withDefault(Schema.Boolean, false),
  /** Whether only the main part of each page is kept. Default: that of the service. */
  mainContentOnly: Schema.optionalKey(Schema.Boolean),
  /** The age in seconds up to which a page that the service has kept is not fetched again. Default: that of the service. */
  maxAge: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Whether URLs that differ in their query only are different pages. Default: that of the service. */
  keepQueryParams: Schema.optionalKey(Schema.Boolean),
  /** Where the job is posted when it has ended; empty for nowhere. Default: nowhere. */
  webhookUrl: Schema.optionalKey(Schema.Union([Schema.Literal(""), PageUrl]))
}) {}

/**
 * A `CrawlRequest` as JSON, with the API's field names in snake case.
 *
 * @category codecs
 * @since 0.1.0
 */
export const CrawlRequestBody = CrawlRequest.pipe(
  Schema.encodeKeys({
    itemsLimit: "items_limit",
    maxDepth: "max_depth",
    scrapeType: "scrape_type",
    outputFormats: "output_formats",
    whitelistRegexp: "whitelist_regexp",
    blacklistRegexp: "blacklist_regexp",
    allowSubdomains: "allow_subdomains",
    respectRobotsTxt: "respect_robots_txt",
    mainContentOnly: "main_content_only",
    maxAge: "max_age",
    keepQueryParams: "keep_query_params",
    webhookUrl: "webhook_url"
  })
)

/**
 * One page to read, as JSON.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ScrapeRequestBody = Schema.Struct({
  /** The page: an absolute http or https URL without credentials. No default. */
  url: PageUrl,
  /** The format of its content: `html`, `cleaned` or `markdown`. Default: `markdown`. */
  output_format: Schema.optionalKey(Job.Format),
  /** Whether it is left out if the site's robots.txt forbids it. Default: `false`. */
  respect_robots_txt: Schema.optionalKey(Schema.Boolean)
})

/**
 * What became of one page that was read, as JSON.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ScrapeBody = Schema.Struct({
  /** Whether its content is here. */
  success: Schema.Boolean,
  /** Where it is: `new`, `in_progress`, `done` or `error`. */
  status: Schema.String,
  /** The HTTP status of the page; 0 if there is none. */
  page_status_code: Schema.Int,
  /** The title of the page. Default: absent. */
  page_title: Schema.optionalKey(Schema.String),
  /** Its content. Default: absent. */
  markdown: Schema.optionalKey(Schema.String),
  /** The code of its failure. Default: absent. */
  error_code: Schema.optionalKey(Schema.String),
  /** A text for people about its failure. Default: absent. */
  error_message: Schema.optionalKey(Schema.String)
})

/**
 * A job in a list of jobs, as JSON.
 *
 * @category codecs
 * @since 0.1.0
 */
export const JobSummary = Schema.Struct({
  /** The id of the job. */
  id: Schema.String,
  /** The page that it starts at. */
  url: Schema.String,
  /** How it is: `new`, `in_progress`, `done`, `error` or `cancelled`. */
  status: Schema.String,
  /** When it was created, in ISO 8601. */
  created_at: Schema.String,
  /** When it ended, in ISO 8601; `null` before that. */
  finished_at: Schema.NullOr(Schema.String),
  /** How many items it has. */
  items: Schema.Int,
  /** How many of them were read. */
  items_done: Schema.Int,
  /** How many of them failed. */
  items_failed: Schema.Int
})

/** A job that has not ended has no text yet. */
const notFinished = Schema.Struct({
  /** `job_not_finished`. */
  error: Schema.String,
  /** A text for people. */
  message: Schema.String,
  /** How the job is: `new` or `in_progress`. */
  status: Schema.String
}).pipe(HttpApiSchema.status(422))

/**
 * The account whose API key a request carries.
 *
 * @category services
 * @since 0.1.0
 */
export class CurrentAccount extends Context.Service<
  CurrentAccount,
  {
    /** The id of the account, as the server's store of keys knows it. */
    readonly id: string
  }
>()("@redrive/crawl/CrawlApi/CurrentAccount") {}

/**
 * Bearer API keys: on the server it finds the account, in the client it adds the key.
 *
 * @category middleware
 * @since 0.1.0
 */
export class Authorization extends HttpApiMiddleware.Service<
  Authorization,
  {
    /** The account that the handlers of the endpoints get. */
    provides: CurrentAccount
  }
>()("@redrive/crawl/CrawlApi/Authorization", {
  requiredForClient: true,
  security: { bearer: HttpApiSecurity.bearer },
  error: [unauthorized, internalError]
}) {}

/**
 * Answers a request that breaks the contract with the `invalid_request` envelope, which names the field.
 *
 * @category middleware
 * @since 0.1.0
 */
export class InvalidRequests extends HttpApiMiddleware.Service<InvalidRequests>()(
  "@redrive/crawl/CrawlApi/InvalidRequests",
  { error: [invalidRequest, internalError] }
) {}

/**
 * Marks a reason as the caller's own fault: the caller gets it as the answer, and it is not reported.
 *
 * @category reasons
 * @since 0.1.0
 */
export const refused = <Reason extends JobError.Reason>(reason: Reason): Reason =>
  Object.assign(reason, { [ErrorReporter.ignore]: true })

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/**
 * The implementation of `InvalidRequests` for a server.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInvalidRequests: Layer.Layer<InvalidRequests> = HttpApiMiddleware.layerSchemaErrorTransform(
  InvalidRequests,
  (error) => {
    if (error.kind === "Body" || error.kind === "ResponseHeaders") {
      return Effect.fail(new JobError.InternalError({ cause: error.cause }))
    }
    const [field] = issuesOf(error.cause.issue).issues[0]?.path ?? []
    const name = typeof field === "object" ? field.key : field
    return Effect.fail(
      refused(new JobError.InvalidRequest({ field: name === undefined ? "request body" : String(name) }))
    )
  }
)

const jobId = { id: Schema.String }

/**
 * The jobs of an account.
 *
 * @category groups
 * @since 0.1.0
 */
export class Jobs extends HttpApiGroup.make("jobs")
  .add(
    HttpApiEndpoint.post("create", "/v1/crawl", {
      payload: CrawlRequestBody,
      success: Schema.Struct({
        /** The id of the new job. */
        id: Schema.String
      }),
      error: [invalidRequest, insufficientBalance, internalError]
    }),
    HttpApiEndpoint.get("get", "/v1/job/:id", {
      params: jobId,
      success: Wire.JobBody,
      error: [jobNotFound, internalError]
    }),
    HttpApiEndpoint.put("cancel", "/v1/job/:id/cancel", {
      params: jobId,
      success: Schema.Struct({
        /** A text for people that says what became of the job. */
        message: Schema.String
      }),
      error: [jobNotFound, internalError]
    }),
    HttpApiEndpoint.get("markdown", "/v1/job/:id/item/:itemId/markdown", {
      params: { ...jobId, itemId: Schema.String },
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/markdown; charset=utf-8" })),
      error: [jobNotFound, internalError]
    }),
    HttpApiEndpoint.get("jobMarkdown", "/v1/job/:id/markdown", {
      params: jobId,
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/markdown; charset=utf-8" })),
      error: [jobNotFound, notFinished, internalError]
    }),
    HttpApiEndpoint.get("list", "/v1/jobs", {
      query: {
        /** The most jobs, from 1 to 100. Default: 20. */
        limit: Schema.optionalKey(
          Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 100 }))
        ),
        /** Only jobs that were created before the job of this id: the last one of the page before. Default: the newest jobs. */
        before: Schema.optionalKey(Schema.String)
      },
      success: Schema.Struct({
        /** The jobs of the account, newest first. */
        jobs: Schema.Array(JobSummary),
        /** The `before` of the next page; `null` if there is none. */
        next: Schema.NullOr(Schema.String)
      }),
      error: [internalError]
    }),
    HttpApiEndpoint.delete("delete", "/v1/job/:id", {
      params: jobId,
      success: Schema.Struct({
        /** A text for people that says what became of the job. */
        message: Schema.String
      }),
      error: [jobNotFound, internalError]
    }),
    HttpApiEndpoint.post("scrape", "/v2/scrape", {
      payload: ScrapeRequestBody,
      success: Schema.Struct({
        /** The id by which the page is asked for. */
        id: Schema.String
      }),
      error: [invalidRequest, insufficientBalance, internalError]
    }),
    HttpApiEndpoint.get("getScrape", "/v2/scrape/:id", {
      params: jobId,
      success: ScrapeBody,
      error: [jobNotFound, internalError]
    })
  )
  .middleware(Authorization)
  .middleware(InvalidRequests) {}

/**
 * The crawl API.
 *
 * @category contracts
 * @since 0.1.0
 */
export class CrawlApi extends HttpApi.make("crawl")
  .add(Jobs)
  .annotateMerge(OpenApi.annotations({ title: "Crawl API", version: "1" })) {}
