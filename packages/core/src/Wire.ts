/**
 * The crawl API's JSON: strict in what is written, lenient in what is read.
 *
 * Written are the error page's codes, names and texts, and three additions that a reader may ignore: `reason`,
 * `retry_after_ms` and `attempts`. Read are empty, null and absent values alike, unknown codes, and either spelling of
 * cancelled. It knows no HTTP: statuses stand in the catalogue.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as envelopes from "./internal/envelope.ts"
import * as items from "./internal/itemWire.ts"
import * as jobs from "./internal/jobWire.ts"
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
 * The envelope of a reason; a code outside the closed set becomes `internal_error`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const envelope: (reason: JobError.Reason) => typeof Envelope.Type = envelopes.envelope

/**
 * The reason that an API answer other than success means: by its code first, by its HTTP status second.
 *
 * Any body will do: a proxy's page in place of JSON is a `MalformedResponse`, or the refusal that its status tells.
 *
 * @category decoding
 * @since 0.1.0
 */
export const reasonOf: (answer: envelopes.Answer) => JobError.Reason = envelopes.reasonOf

/**
 * @category codecs
 * @since 0.1.0
 */
export const InsufficientBalance = envelopes.codec(
  JobError.InsufficientBalance,
  (facts) => new JobError.InsufficientBalance(facts)
)

/**
 * @category codecs
 * @since 0.1.0
 */
export const InvalidRequest = envelopes.codec(JobError.InvalidRequest, (facts) => new JobError.InvalidRequest(facts))

/**
 * @category codecs
 * @since 0.1.0
 */
export const InternalError = envelopes.codec(JobError.InternalError, (facts) => new JobError.InternalError(facts))

/**
 * @category codecs
 * @since 0.1.0
 */
export const Unauthorized = envelopes.codec(JobError.Unauthorized, (facts) => new JobError.Unauthorized(facts))

/**
 * @category codecs
 * @since 0.1.0
 */
export const JobNotFound = envelopes.codec(JobError.JobNotFound, (facts) => new JobError.JobNotFound(facts))

/**
 * A job as the API writes it. A job in error says why in `error_code` and `error_message`, which one that ran does not have.
 *
 * @category codecs
 * @since 0.1.0
 */
export const JobBody = jobs.JobJson.pipe(
  Schema.decodeTo(
    Schema.toType(Job.Job),
    SchemaTransformation.transform<Job.Job, typeof jobs.JobJson.Type>({ decode: jobs.jobOf, encode: jobs.jobJson })
  )
)

/**
 * One job item as the API writes it.
 *
 * @category codecs
 * @since 0.1.0
 */
export const ItemBody = items.ItemJson.pipe(
  Schema.decodeTo(
    Schema.toType(Job.Item),
    SchemaTransformation.transform<Job.Item, typeof items.ItemJson.Type>({
      decode: items.itemOf,
      encode: items.itemJson
    })
  )
)
