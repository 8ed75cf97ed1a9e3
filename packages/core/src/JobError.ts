/**
 * A job failed to run, or the call about it failed; no item is to blame.
 *
 * A `JobError` names the call (`operation`, and `jobId` if known) and carries one `reason`. Three reasons exist on the wire; the others
 * are failures of a client's calls and are never written as codes of their own.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { catalogue, type JobCode } from "./CrawlCatalogue.ts"
import * as Failure from "./Failure.ts"
import type { Facts } from "./internal/failure.ts"
import { isAmbiguous } from "./internal/sent.ts"
import * as Verdict from "./Verdict.ts"

/**
 * The key that marks a `JobError`.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = "~@redrive/core/JobError"

const id = (name: string) => `@redrive/core/JobError/${name}`

const is = <Code extends JobCode>(code: Code, detail?: string | ((self: Facts) => string | undefined)) => ({
  catalogue,
  level: "job" as const,
  code,
  detail
})

/**
 * The balance is not enough to run the job.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InsufficientBalance extends Failure.Reason<InsufficientBalance>(id("InsufficientBalance"))(
  "InsufficientBalance",
  is("insufficient_balance")
) {}

/**
 * The request is invalid.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidRequest extends Failure.Reason<InvalidRequest>(id("InvalidRequest"))(
  "InvalidRequest",
  is("invalid_request"),
  {
    /** The name of the wrong parameter. Default: absent, it is not known. */
    field: Schema.optionalKey(Schema.String)
  }
) {}

/**
 * Something went wrong inside the service.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InternalError extends Failure.Reason<InternalError>(id("InternalError"))(
  "InternalError",
  is("internal_error")
) {}

/**
 * The API key is missing, wrong or suspended.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unauthorized extends Failure.Reason<Unauthorized>(id("Unauthorized"))(
  "Unauthorized",
  is("invalid_request", "unauthorized")
) {}

/**
 * There is no job with this id.
 *
 * @category reasons
 * @since 0.1.0
 */
export class JobNotFound extends Failure.Reason<JobNotFound>(id("JobNotFound"))(
  "JobNotFound",
  is("invalid_request", "job_not_found")
) {}

/**
 * The API refuses calls for a while; the call had no effect.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ApiThrottled extends Failure.Reason<ApiThrottled>(id("ApiThrottled"))(
  "ApiThrottled",
  is("internal_error", "api_throttled"),
  {
    /** How long the API asks to wait, in milliseconds when encoded. Default: absent, it does not ask. */
    retryAfter: Schema.optionalKey(Schema.DurationFromMillis)
  }
) {}

/**
 * No answer came.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ApiUnreachable extends Failure.Reason<ApiUnreachable>(id("ApiUnreachable"))(
  "ApiUnreachable",
  is("internal_error", "api_unreachable"),
  {
    /** Whether the request may have reached the API, so that sending it again could run it twice. */
    sent: Schema.Boolean
  }
) {}

/**
 * The answer does not have a format of the API.
 *
 * @category reasons
 * @since 0.1.0
 */
export class MalformedResponse extends Failure.Reason<MalformedResponse>(id("MalformedResponse"))(
  "MalformedResponse",
  is("internal_error", ({ status = 0 }) => (status >= 500 ? "api_unavailable" : "bad_response")),
  {
    /** The HTTP status of the answer. From 500, the API is taken to be down or overloaded. */
    status: Schema.Int
  }
) {}

export {
  /**
   * A code that the catalogue does not have, kept as it came.
   *
   * @category reasons
   * @since 0.1.0
   */
  Unrecognized
} from "./Failure.ts"

/**
 * The call that failed. Only `create` bills, so only `create` is dangerous to repeat.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Operation = Schema.Literals(["create", "poll", "cancel", "run"])

/**
 * The call that failed: one of `create`, `poll`, `cancel` and `run`, which is the work of the job itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation = typeof Operation.Type

/**
 * A job failed to run, or a call about it failed. The reasons cover the catalogue's job codes, or this does not compile.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobError extends Failure.Job<JobError>("@redrive/core/JobError")(
  "JobError",
  catalogue,
  [
    InsufficientBalance,
    InvalidRequest,
    InternalError,
    Unauthorized,
    JobNotFound,
    ApiThrottled,
    ApiUnreachable,
    MalformedResponse
  ],
  { operation: Operation }
) {
  readonly [TypeId] = TypeId

  /** The reason's verdict; `Permanent` for an ambiguous `create`, which is never sent a second time. */
  override get verdict(): Verdict.Verdict {
    const { verdict } = this.reason
    return Verdict.isRetryable(verdict) && this.isAmbiguous ? Verdict.permanent : verdict
  }

  /** Whether a job may exist although its creation failed: repeating the call could bill twice. */
  get isAmbiguous(): boolean {
    return this.operation === "create" && isAmbiguous(this.reason)
  }
}

/**
 * The schema of the reason why a job or a call about it failed: one class for each code or detail, and `Unrecognized`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reason = JobError.fields.reason

/**
 * The reason why a job or a call about it failed. Switch on its `_tag`: the `code` of `Unrecognized` is any text.
 *
 * @category reasons
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Whether a value is a `JobError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isJobError = (u: unknown): u is JobError => Predicate.hasProperty(u, TypeId)
