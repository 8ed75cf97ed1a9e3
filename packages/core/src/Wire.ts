/**
 * The crawl API's JSON: strict when writing, lenient when reading.
 *
 * It writes the error page's codes, names and texts, and three additions that a reader may ignore: `reason`, `retry_after_ms` and
 * `attempts`. It reads empty, null and absent values alike, unknown codes, and either spelling of cancelled. HTTP statuses are in the
 * catalogue.
 *
 * @since 0.1.0
 */
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as envelopes from "./internal/envelope.ts"
import * as items from "./internal/itemWire.ts"
import * as jobs from "./internal/jobWire.ts"
import * as reading from "./internal/readJob.ts"
import * as Job from "./Job.ts"
import * as JobError from "./JobError.ts"

/**
 * The body of an answer whose job did not run: `error_code` and `error_message`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Envelope = envelopes.Envelope

/**
 * The envelope of a reason, as the crawl API writes it; a code outside the closed set becomes `internal_error`.
 *
 * It has the code and the text only. `codecOf` also keeps the detail, `retryAfter` and the reason's other fields, such as `field`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const envelope: (reason: JobError.Reason) => typeof Envelope.Type = envelopes.envelope

/**
 * The reason for an unsuccessful answer of the API: by its code first, by its HTTP status second.
 *
 * It accepts any body: a proxy's page instead of JSON is a `MalformedResponse`, or the refusal that its status means.
 *
 * @category decoding
 * @since 0.1.0
 */
export const readReason: (answer: envelopes.Answer) => JobError.Reason = envelopes.readReason

/**
 * The envelope of `JobError.InsufficientBalance`: the answer to a job that the balance is not enough for, with the HTTP status of its
 * row.
 *
 * @category codecs
 * @since 0.1.0
 */
export const InsufficientBalance = envelopes.codec(JobError.InsufficientBalance)

/**
 * The envelope of `JobError.InvalidRequest`: the answer to an invalid request, with the HTTP status of its row.
 *
 * @category codecs
 * @since 0.1.0
 */
export const InvalidRequest = envelopes.codec(JobError.InvalidRequest)

/**
 * The envelope of `JobError.InternalError`: the answer to a fault of the service, with the HTTP status of its row.
 *
 * @category codecs
 * @since 0.1.0
 */
export const InternalError = envelopes.codec(JobError.InternalError)

/**
 * The envelope of `JobError.Unauthorized`: the answer to a missing, wrong or suspended API key, with the HTTP status of its row.
 *
 * @category codecs
 * @since 0.1.0
 */
export const Unauthorized = envelopes.codec(JobError.Unauthorized)

/**
 * The envelope of `JobError.JobNotFound`: the answer to an unknown job id, with the HTTP status of its row.
 *
 * @category codecs
 * @since 0.1.0
 */
export const JobNotFound = envelopes.codec(JobError.JobNotFound)

/**
 * The envelope of any catalogue's reasons: `error_code`, `error_message`, the detail as `reason`, and the reason's own `fields`.
 *
 * It takes any class made with `Failure.Job` or `Failure.Item`, so `JobError.JobError` and `ItemError.ItemError` too. It keeps the reason
 * and not where it happened. `Schema.toCodecJson` of the class keeps both, with the URL as it is and the message of what was thrown: their
 * secrets are written too. Fields that contain a `Redacted` are left out here.
 *
 * Reading keeps an unknown code in `Unrecognized`, and also a known code with too few fields, which keeps its verdict and status. It fails
 * if there is no `error_code`: absent, null and `""` mean no error.
 *
 * @category codecs
 * @since 0.1.0
 */
export const codecOf = envelopes.codecOf

/**
 * Makes the `error` of an `HttpApi` endpoint from an error class of your own: one codec for each HTTP status.
 *
 * The endpoint fails with reasons. Each is answered with the status of its row, in the envelope of `codecOf`; a code that the catalogue
 * does not have is answered with 500. Reading accepts any code with any status. Throws if a row's status is below 400, since a client
 * would take that failure for a success.
 *
 * @category codecs
 * @since 0.1.0
 */
export const httpErrorsOf = envelopes.httpErrorsOf

/**
 * The envelope of `JobError.ApiThrottled`: the answer to a caller that sends too many requests, with the HTTP status of its row.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ApiThrottled = envelopes.codec(JobError.ApiThrottled)

const jobCodec = (codes: items.Codes) =>
  jobs.jobFields.schema.check(Schema.makeFilter(jobs.hasId)).pipe(
    Schema.decodeTo(
      Schema.toType(Job.Job),
      SchemaTransformation.transform<Job.Job, typeof jobs.jobFields.schema.Type>({
        decode: jobs.jobOf,
        encode: (job) => jobs.jobJson(job, codes)
      })
    )
  )

const itemCodec = (codes: items.Codes) =>
  items.itemFields.schema.pipe(
    Schema.decodeTo(
      Schema.toType(Job.Item),
      SchemaTransformation.transform<Job.Item, typeof items.itemFields.schema.Type>({
        decode: items.itemOf,
        encode: (item) => items.itemJson(item, codes)
      })
    )
  )

/**
 * A job as the API writes it. A failed job has an `error_code` and an `error_message`.
 *
 * @category codecs
 * @since 0.1.0
 */
export const JobBody = jobCodec("closed")

/**
 * One job item as the API writes it.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ItemBody = itemCodec("closed")

/**
 * A job whose items are written with the provider's later codes too (`timeout_error`, `ssl_cert_error`, `blocked_by_robots_txt` and
 * the like), for readers that know them. Every codec reads a later code as the code that it falls back to.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ExtendedJobBody = jobCodec("extended")

/**
 * One job item, written with the provider's later codes too.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ExtendedItemBody = itemCodec("extended")

/**
 * A job that was read. `warnings` list where the answer contradicts itself, or has codes that this package does not know.
 *
 * @category models
 * @since 0.1.0
 */
export interface Read {
  /** The job, with an error wherever the answer has one. */
  readonly job: Job.Job
  /** One sentence for each kind of contradiction and each unknown code. Empty if there is none. */
  readonly warnings: ReadonlyArray<string>
}

/**
 * Reads a job from any JSON value, of any depth and size, in time and memory proportional to it. Never throws.
 *
 * A value that is not a job gives a `MalformedResponse` that names the first field that does not fit.
 *
 * @category decoding
 * @since 0.1.0
 */
export const readJob: (json: unknown) => Result.Result<Read, JobError.MalformedResponse> = reading.readJob(JobBody)
