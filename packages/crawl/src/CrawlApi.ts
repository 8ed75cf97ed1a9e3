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
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import { type Invalid, invalidOf, strangeOf } from "./internal/invalid.ts"
import * as WireDocs from "./internal/wireDocs.ts"

const { insufficient_balance, internal_error, invalid_request } = catalogue.job

const invalidRequest = Wire.InvalidRequest.pipe(HttpApiSchema.status(invalid_request.status))
const unauthorized = Wire.Unauthorized.annotate({ description: "The API key is missing or wrong." }).pipe(
  HttpApiSchema.status(invalid_request.details.unauthorized.status)
)
const jobNotFound = Wire.JobNotFound.annotate({ description: "The account has no such job." }).pipe(
  HttpApiSchema.status(invalid_request.details.job_not_found.status)
)
const insufficientBalance = Wire.InsufficientBalance.pipe(HttpApiSchema.status(insufficient_balance.status))
const internalError = Wire.InternalError.pipe(HttpApiSchema.status(internal_error.status))
const throttled = Wire.ApiThrottled.annotate({
  description: "The account sent too many requests. The header retry-after tells how many seconds to wait."
}).pipe(HttpApiSchema.status(internal_error.details.api_throttled.status))

/** Says in the API's documentation what an operation does. */
const operation = (summary: string, description: string) => OpenApi.annotations({ summary, description })

const withDefault = <S extends Schema.Top & Schema.WithoutConstructorDefault>(
  schema: S,
  value: S["Type"] & S["~type.make.in"]
) =>
  schema.pipe(
    Schema.withConstructorDefault(Effect.succeed(value)),
    Schema.withDecodingDefaultTypeKey(Effect.succeed(value))
  )

const isPageUrl = (url: string): boolean => {
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
export const PageUrl = Schema.String.annotate({
  description: "An absolute http or https URL without credentials."
}).check(Schema.makeFilter(isPageUrl, { expected: "an absolute http or https URL without credentials" }))

const isWholeBetween = (minimum: number, maximum: number) =>
  Schema.isBetween(
    { minimum, maximum },
    { expected: `a whole number from ${minimum} to ${maximum.toLocaleString("en-US")}` }
  )

const positive = Schema.Int.check(isWholeBetween(1, 100_000))
const depth = Schema.Int.check(isWholeBetween(0, 1000))

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
  url: PageUrl.pipe(
    Schema.annotateKey({ description: "The page to start at: an absolute http or https URL without credentials." })
  ),
  /** The most pages to crawl, from 1 to 100,000. Default: 10. */
  itemsLimit: withDefault(
    positive.annotate({ description: "The most pages to crawl, from 1 to 100,000. Default: 10." }),
    10
  ),
  /** The most links between the start and a page, from 0 to 1000. Default: no limit. */
  maxDepth: Schema.optionalKey(
    depth.annotate({ description: "The most links between the start and a page, from 0 to 1000. Default: no limit." })
  ),
  /** The format of each page's content: `html`, `cleaned` or `markdown`. Default: `markdown`. */
  scrapeType: withDefault(
    Job.Format.annotate({
      description: "The format of each page's content: html, cleaned or markdown. Default: markdown."
    }),
    "markdown"
  ),
  /** Further formats of each page's content. Default: none. */
  outputFormats: withDefault(
    Schema.Array(Job.Format).annotate({ description: "Further formats of each page's content. Default: none." }),
    []
  ),
  /** A regular expression; only links that match it are followed. Default: empty, which matches all. */
  whitelistRegexp: withDefault(
    Schema.String.annotate({
      description:
        "A regular expression (RE2); only links that match it are followed. Default: empty, which matches all."
    }),
    ""
  ),
  /** A regular expression; no link that matches it is followed. Default: empty, which excludes none. */
  blacklistRegexp: withDefault(
    Schema.String.annotate({
      description:
        "A regular expression (RE2); no link that matches it is followed. Default: empty, which excludes none."
    }),
    ""
  ),
  /** Whether links to subdomains of the start's host are followed. Default: `false`. */
  allowSubdomains: withDefault(
    Schema.Boolean.annotate({
      description: "Whether links to subdomains of the start's host are followed. Default: false."
    }),
    false
  ),
  /** Whether pages that the site's robots.txt forbids are left out. Default: `false`. */
  respectRobotsTxt: withDefault(
    Schema.Boolean.annotate({
      description: "Whether pages that the site's robots.txt forbids are left out. Default: false."
    }),
    false
  ),
  /** Whether the pages that the site names in its sitemaps are crawled, too. A field of this project's own service. Default: that of the service. */
  useSitemap: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "Whether the pages that the site names in its sitemaps are crawled, too. A field of this project's own service. Default: that of the service."
    })
  ),
  /** Whether only the main part of each page is kept. Default: that of the service. */
  mainContentOnly: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "Whether only the main part of each page is kept. Default: that of the service."
    })
  ),
  /** The age in seconds up to which a page that the service has kept is not fetched again. Default: that of the service. */
  maxAge: Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0, { expected: "a whole number of seconds, 0 or more" })).annotate({
      description:
        "The age in seconds up to which a page that the service has kept is not fetched again. Default: that of the service."
    })
  ),
  /** Whether URLs that differ in their query only are different pages. Default: that of the service. */
  keepQueryParams: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "Whether URLs that differ in their query only are different pages. Default: that of the service."
    })
  ),
  /** Where the job is posted when it has ended; empty for nowhere. Default: nowhere. */
  webhookUrl: Schema.optionalKey(
    Schema.Union([Schema.Literal(""), PageUrl]).annotate({
      description: "Where the job is posted when it has ended; empty for nowhere. Default: nowhere."
    })
  )
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
    useSitemap: "use_sitemap",
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
  url: PageUrl.pipe(
    Schema.annotateKey({ description: "The page: an absolute http or https URL without credentials. No default." })
  ),
  /** The format of its content: `html`, `cleaned` or `markdown`. Default: `markdown`. */
  output_format: Schema.optionalKey(
    Job.Format.annotate({ description: "The format of its content: html, cleaned or markdown. Default: markdown." })
  ),
  /** Whether it is left out if the site's robots.txt forbids it. Default: `false`. */
  respect_robots_txt: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "Whether it is left out if the site's robots.txt forbids it. Default: false."
    })
  ),
  /** Whether only the main part of the page is kept. Default: `false`. */
  main_content_only: Schema.optionalKey(
    Schema.Boolean.annotate({ description: "Whether only the main part of the page is kept. Default: false." })
  )
})

/**
 * What became of one page that was read, as JSON.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ScrapeBody = Schema.Struct({
  /** Whether its content is here. */
  success: Schema.Boolean.annotate({ description: "Whether its content is here." }),
  /** Where it is: `new`, `in_progress`, `done` or `error`. */
  status: Schema.String.annotate({ description: "Where it is: new, in_progress, done or error." }),
  /** The HTTP status of the page; 0 if there is none. */
  page_status_code: Schema.Int.annotate({ description: "The HTTP status of the page; 0 if there is none." }),
  /** The title of the page. Default: absent. */
  page_title: Schema.optionalKey(Schema.String.annotate({ description: "The title of the page. Default: absent." })),
  /** The page as Markdown. Default: absent, it was not asked for. */
  markdown: Schema.optionalKey(
    Schema.String.annotate({ description: "The page as Markdown. Default: absent, it was not asked for." })
  ),
  /** The page as HTML without programs, styles, comments and navigation. Default: absent, it was not asked for. */
  cleaned_content: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "The page as HTML without programs, styles, comments and navigation. Default: absent, it was not asked for."
    })
  ),
  /** The page's HTML as it was received. Default: absent, it was not asked for. */
  raw_content: Schema.optionalKey(
    Schema.String.annotate({
      description: "The page's HTML as it was received. Default: absent, it was not asked for."
    })
  ),
  /** The code of its failure. Default: absent. */
  error_code: Schema.optionalKey(Schema.String.annotate({ description: "The code of its failure. Default: absent." })),
  /** A text for people about its failure. Default: absent. */
  error_message: Schema.optionalKey(
    Schema.String.annotate({ description: "A text for people about its failure. Default: absent." })
  )
})

/**
 * A job in a list of jobs, as JSON.
 *
 * @category codecs
 * @since 0.1.0
 */
export const JobSummary = Schema.Struct({
  /** The id of the job. */
  id: Schema.String.annotate({ description: "The id of the job." }),
  /** The page that it starts at. */
  url: Schema.String.annotate({ description: "The page that it starts at." }),
  /** How it is: `new`, `in_progress`, `done`, `error` or `cancelled`. */
  status: Schema.String.annotate({ description: "How it is: new, in_progress, done, error or cancelled." }),
  /** When it was created, in ISO 8601. */
  created_at: Schema.String.annotate({ description: "When it was created, in ISO 8601." }),
  /** When it ended, in ISO 8601; `null` before that. */
  finished_at: Schema.NullOr(Schema.String).annotate({ description: "When it ended, in ISO 8601; null before that." }),
  /** How many items it has. */
  items_total: Schema.Int.annotate({ description: "How many items it has." }),
  /** How many of them were read. */
  items_done: Schema.Int.annotate({ description: "How many of them were read." }),
  /** How many of them failed. */
  items_failed: Schema.Int.annotate({ description: "How many of them failed." })
})

/** A job that has not ended has no text yet. */
const notFinished = Schema.Struct({
  /** `job_not_finished`. */
  error: Schema.String.annotate({ description: "job_not_finished." }),
  /** A text for people. */
  message: Schema.String.annotate({ description: "A text for people." }),
  /** How the job is: `new` or `in_progress`. */
  status: Schema.String.annotate({ description: "How the job is: new or in_progress." })
})
  .annotate({ description: "The job has not ended: ask again later." })
  .pipe(HttpApiSchema.status(422))

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
  // In lower case, as the registry of schemes has it: Scalar takes `Bearer` for Basic.
  security: { bearer: HttpApiSecurity.http({ scheme: "bearer" }) },
  error: [unauthorized, throttled, internalError]
}) {}

/**
 * Answers a request that breaks the contract with the `invalid_request` envelope, which names the field and what is expected of it.
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

const invalid = ({ field, why }: Invalid) =>
  refused(new JobError.InvalidRequest({ field, lastError: `${field} is invalid: ${why}` }))

const transformed = (error: HttpApiError.HttpApiSchemaError) =>
  error.kind === "Body" || error.kind === "ResponseHeaders"
    ? new JobError.InternalError({ cause: error.cause })
    : invalid(invalidOf(error.cause.issue))

/**
 * The implementation of `InvalidRequests` for a server. A field that is wrong, and a query parameter that the operation does not have, are refused by
 * name, with what is expected.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInvalidRequests: Layer.Layer<InvalidRequests> = Layer.succeed(
  InvalidRequests,
  (answer, { endpoint }) =>
    Effect.flatMap(HttpServerRequest.ParsedSearchParams, (given) => {
      const strange = strangeOf(given, endpoint.query)
      if (strange !== undefined) return Effect.fail(invalid(strange))
      return Effect.mapError(answer, (error) =>
        HttpApiError.HttpApiSchemaError.is(error) ? transformed(error) : error
      )
    })
)

const jobId = { id: Schema.String.annotate({ description: "The id of the job." }) }

const Message = Schema.Struct({
  /** A text for people that says what became of the job. */
  message: Schema.String.annotate({ description: "A text for people that says what became of the job." })
})

const markdownText = (description: string) =>
  Schema.String.annotate({ description }).pipe(HttpApiSchema.asText({ contentType: "text/markdown; charset=utf-8" }))

const between = (minimum: number, maximum: number, description: string) =>
  Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isInt(), isWholeBetween(minimum, maximum)).pipe(
      Schema.annotateEncoded({ description })
    )
  )

/**
 * What became of a request to deliver a webhook again, as JSON.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ResentBody = Schema.Struct({
  /** Whether the delivery was queued. */
  success: Schema.Boolean.annotate({ description: "Whether the delivery was queued." }),
  /** The HTTP status that the receiver answered with; 0, since it has not been asked yet. */
  status_code: Schema.Int.annotate({
    description: "The HTTP status that the receiver answered with; 0, since it has not been asked yet."
  }),
  /** Why the delivery failed; empty, since it has not been tried yet. The job tells later. */
  webhook_error: Schema.String.annotate({
    description: "Why the delivery failed; empty, since it has not been tried yet. The job tells later."
  }),
  /** Where the job is posted. */
  webhook_url: Schema.String.annotate({ description: "Where the job is posted." }),
  /** The id of the job, which is also the webhook-id of the delivery. */
  job_id: Schema.String.annotate({ description: "The id of the job, which is also the webhook-id of the delivery." }),
  /** A text for people. */
  message: Schema.String.annotate({ description: "A text for people." })
})

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
        id: Schema.String.annotate({ description: "The id of the new job." })
      }),
      error: [invalidRequest, insufficientBalance, internalError]
    }).annotateMerge(
      operation(
        "Create a job",
        "Crawls a site from a page on. The job runs after the answer. A parameter that the service does not serve is refused by its name."
      )
    ),
    HttpApiEndpoint.get("get", "/v1/job/:id", {
      params: jobId,
      query: {
        /** Whether each item lists the links of its page, `true` or `false`. Default: `true`. */
        include_links: Schema.optionalKey(
          Schema.Literals(["true", "false"]).annotate({
            description: "Whether each item lists the links of its page. Default: true."
          })
        ),
        /** The most items in the answer, from 1 to 100,000. Default: all. */
        limit: between(1, 100_000, "The most items in the answer, from 1 to 100,000. Default: all."),
        /** How many items to leave out, from the first one found. Default: 0. */
        offset: between(0, 100_000, "How many items to leave out, from the first one found. Default: 0."),
        /** Anything: the provider's client sends another text each time, so that no proxy answers. Default: absent. */
        t: Schema.optionalKey(
          Schema.String.annotate({
            description:
              "Anything: the provider's client sends another text each time, so that no proxy answers. Default: absent."
          })
        )
      },
      success: Wire.JobBody.annotate({ description: "The job with its items." }),
      error: [jobNotFound, internalError]
    }).annotateMerge(
      operation(
        "Read a job",
        "Answers the job with its items in the order in which they were found, which never changes. With if-none-match and the etag of an earlier answer, it answers 304 if nothing has changed."
      )
    ),
    HttpApiEndpoint.put("cancel", "/v1/job/:id/cancel", {
      params: jobId,
      success: Message,
      error: [jobNotFound, internalError]
    }).annotateMerge(
      operation("Cancel a job", "Ends a job. Pages that were read remain. A job that has ended stays as it is.")
    ),
    HttpApiEndpoint.post("resend", "/v1/job/:id/webhook", {
      params: jobId,
      success: ResentBody,
      error: [invalidRequest, jobNotFound, internalError]
    }).annotateMerge(
      operation(
        "Deliver a job's webhook again",
        "Queues the delivery again under the same webhook-id, by which the receiver knows repeats. Refused if the job has no webhook_url or has not ended."
      )
    ),
    HttpApiEndpoint.get("markdown", "/v1/job/:id/item/:itemId/markdown", {
      params: { ...jobId, itemId: Schema.String.annotate({ description: "The id of the item." }) },
      success: markdownText("The page as Markdown."),
      error: [invalidRequest, jobNotFound, internalError]
    }).annotateMerge(operation("Read a page of a job", "Answers the text of a page that was read.")),
    HttpApiEndpoint.get("jobMarkdown", "/v1/job/:id/markdown", {
      params: jobId,
      success: markdownText("The pages as Markdown, each after a comment with its URL."),
      error: [invalidRequest, jobNotFound, notFinished, internalError]
    }).annotateMerge(
      operation("Read all pages of a job", "Answers the texts of all pages that were read, once the job has ended.")
    ),
    HttpApiEndpoint.get("list", "/v1/jobs", {
      query: {
        /** The most jobs, from 1 to 100. Default: 20. */
        limit: between(1, 100, "The most jobs, from 1 to 100. Default: 20."),
        /** Only jobs that were created before the job of this id: the last one of the page before. Default: the newest jobs. */
        before: Schema.optionalKey(
          Schema.String.annotate({
            description:
              "Only jobs that were created before the job of this id: the last one of the page before. Default: the newest jobs."
          })
        )
      },
      success: Schema.Struct({
        /** The jobs of the account, newest first. */
        jobs: Schema.Array(JobSummary).annotate({ description: "The jobs of the account, newest first." }),
        /** The `before` of the next page; `null` if there is none. */
        next: Schema.NullOr(Schema.String).annotate({
          description: "The before of the next page; null if there is none."
        })
      }),
      error: [internalError]
    }).annotateMerge(operation("List jobs", "Answers the account's jobs, newest first, page by page.")),
    HttpApiEndpoint.delete("delete", "/v1/job/:id", {
      params: jobId,
      success: Message,
      error: [jobNotFound, internalError]
    }).annotateMerge(
      operation("Delete a job", "Deletes a job with all its pages. A job that runs is cancelled first.")
    ),
    HttpApiEndpoint.post("scrape", "/v2/scrape", {
      query: {
        /** `true`, as the provider's client sends it: the page is always read after the answer. Default: absent. */
        async: Schema.optionalKey(
          Schema.Literal("true").annotate({
            description:
              "true, as the provider's client sends it: the page is always read after the answer. Default: absent."
          })
        )
      },
      payload: ScrapeRequestBody,
      success: Schema.Struct({
        /** The id by which the page is asked for. */
        id: Schema.String.annotate({ description: "The id by which the page is asked for." })
      }),
      error: [invalidRequest, insufficientBalance, internalError]
    }).annotateMerge(
      operation("Fetch one page", "Fetches one page and follows no link. The page is read after the answer.")
    ),
    HttpApiEndpoint.get("getScrape", "/v2/scrape/:id", {
      params: jobId,
      success: ScrapeBody,
      error: [jobNotFound, internalError]
    }).annotateMerge(operation("Read a fetched page", "Answers the page, or why it could not be read."))
  )
  .annotateMerge(OpenApi.annotations({ title: "Jobs", description: "Crawls of an account, and what they found." }))
  .middleware(InvalidRequests)
  // The last one is the outermost: a stranger learns nothing of the contract.
  .middleware(Authorization) {}

/**
 * The crawl API.
 *
 * @category contracts
 * @since 0.1.0
 */
export class CrawlApi extends HttpApi.make("crawl")
  .add(Jobs)
  .annotateMerge(
    OpenApi.annotations({
      title: "Crawl API",
      version: "1",
      description: "Crawls sites and keeps their pages as text. Send the API key of an account as a bearer token.",
      // Every operation asks for the key; said for all, a page of documentation asks a person for it.
      override: { security: [{ bearer: [] }] },
      transform: WireDocs.document
    })
  ) {}
