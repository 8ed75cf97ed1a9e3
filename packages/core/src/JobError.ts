/**
 * A job failed to run, or the call about it failed; no item is to blame.
 *
 * A `JobError` says which call (`operation`, `jobId` wherever it is known) and carries one `reason` that says what. Three
 * reasons exist on the wire; the others are what a client meets on its way there and are never emitted as codes of their own.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { JobCode } from "./CrawlCatalogue.ts"
import { derive, facts, type Reason as Base, textOf } from "./internal/reason.ts"
import * as Verdict from "./Verdict.ts"

/**
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = "~@redrive/core/JobError"

const id = (name: string) => `@redrive/core/JobError/${name}`

/**
 * The balance is not enough to run the job.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InsufficientBalance extends Schema.TaggedError<InsufficientBalance, Base<"insufficient_balance">>(
  id("InsufficientBalance")
)("InsufficientBalance", facts) {
  static {
    derive(this, "job", "insufficient_balance")
  }
}

/**
 * The request is invalid; `field` names the offending parameter where it is known.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest, Base<"invalid_request">>(id("InvalidRequest"))(
  "InvalidRequest",
  { field: Schema.optionalKey(Schema.String), ...facts }
) {
  static {
    derive(this, "job", "invalid_request")
  }
}

/**
 * Something went wrong inside the service.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InternalError extends Schema.TaggedError<InternalError, Base<"internal_error">>(id("InternalError"))(
  "InternalError",
  facts
) {
  static {
    derive(this, "job", "internal_error")
  }
}

/**
 * The API key is missing, wrong or suspended.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized, Base<"invalid_request">>(id("Unauthorized"))(
  "Unauthorized",
  facts
) {
  static {
    derive(this, "job", "invalid_request", () => "unauthorized")
  }
}

/**
 * The API knows no job of this id.
 *
 * @category reasons
 * @since 0.1.0
 */
export class JobNotFound extends Schema.TaggedError<JobNotFound, Base<"invalid_request">>(id("JobNotFound"))(
  "JobNotFound",
  facts
) {
  static {
    derive(this, "job", "invalid_request", () => "job_not_found")
  }
}

/**
 * The API refuses calls for a while; nothing was done.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ApiThrottled extends Schema.TaggedError<ApiThrottled, Base<"internal_error">>(id("ApiThrottled"))(
  "ApiThrottled",
  { retryAfter: Schema.optionalKey(Schema.DurationFromMillis), ...facts }
) {
  static {
    derive(this, "job", "internal_error", () => "api_throttled")
  }
}

/**
 * No answer came: `sent` tells whether the request may have reached the API, so that sending it again could run it twice.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ApiUnreachable extends Schema.TaggedError<ApiUnreachable, Base<"internal_error">>(id("ApiUnreachable"))(
  "ApiUnreachable",
  { sent: Schema.Boolean, ...facts }
) {
  static {
    derive(this, "job", "internal_error", () => "api_unreachable")
  }
}

/**
 * An answer came that is none of the API's shapes.
 *
 * @category reasons
 * @since 0.1.0
 */
export class MalformedResponse extends Schema.TaggedError<MalformedResponse, Base<"internal_error">>(
  id("MalformedResponse")
)("MalformedResponse", { status: Schema.Int, ...facts }) {
  static {
    derive(this, "job", "internal_error", (self) =>
      self.status !== undefined && self.status >= 500 ? "api_unavailable" : "bad_response"
    )
  }
}

/**
 * A code that the catalogue does not have, kept as it came.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unrecognized extends Schema.TaggedError<Unrecognized, Omit<Base, "code">>(id("Unrecognized"))(
  "Unrecognized",
  { code: Schema.String, status: Schema.optionalKey(Schema.Int), ...facts }
) {
  static {
    derive(this, "job")
  }
}

/**
 * @category schemas
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  InsufficientBalance,
  InvalidRequest,
  InternalError,
  Unauthorized,
  JobNotFound,
  ApiThrottled,
  ApiUnreachable,
  MalformedResponse,
  Unrecognized
])

/**
 * What went wrong with a job or a call about it.
 *
 * @category reasons
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

// A code without a reason class fails the type check here.
const everyCode: [JobCode] extends [Exclude<Reason, Unrecognized>["code"]] ? true : never = true
void everyCode

/**
 * The call that failed. Only `create` bills, so only `create` is dangerous to repeat.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Operation = Schema.Literals(["create", "poll", "cancel", "run"])

/**
 * @category models
 * @since 0.1.0
 */
export type Operation = typeof Operation.Type

/**
 * A job failed to run, or a call about it failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobError extends Schema.TaggedError<JobError>("@redrive/core/JobError")("JobError", {
  operation: Operation,
  jobId: Schema.optionalKey(Schema.String),
  reason: Reason
}) {
  readonly [TypeId] = TypeId

  /** The reason, so that stack printers show it. */
  override readonly cause = this.reason

  /** The wire code, such as `insufficient_balance`. */
  get code(): string {
    return this.reason.code
  }

  /** What the failure says about trying again; a `create` that may have happened is never sent a second time. */
  get verdict(): Verdict.Verdict {
    const { verdict } = this.reason
    return Verdict.isRetryable(verdict) && this.isAmbiguous ? Verdict.permanent : verdict
  }

  /** Whether a job may exist although its creation failed: repeating the call could bill twice. */
  get isAmbiguous(): boolean {
    if (this.operation !== "create") return false
    switch (this.reason._tag) {
      case "InternalError":
      case "MalformedResponse":
        return true
      case "ApiUnreachable":
        return this.reason.sent
      default:
        return false
    }
  }

  /** Whether trying again without anybody's help may succeed. */
  get isRetryable(): boolean {
    return Verdict.isRetryable(this.verdict)
  }

  /** How long the API asked to wait, if it did. */
  get retryAfter(): Duration.Duration | undefined {
    return Verdict.retryAfter(this.verdict)
  }

  /** The text for people: what the API said, else the catalogue's message with its facts. */
  get lastError(): string {
    return textOf("job", this.reason, { field: ("field" in this.reason && this.reason.field) || "request" })
  }

  override get message(): string {
    const job = this.jobId === undefined ? "" : ` of job ${this.jobId}`
    return `${this.operation}${job} failed: ${this.reason.message}: ${this.lastError}`
  }

  override get [ErrorReporter.severity]() {
    return this.reason.row.severity
  }

  override get [ErrorReporter.attributes]() {
    const { code, jobId, operation, reason } = this
    return { level: "job" as const, code, detail: reason.kind, actor: reason.row.actor, operation, jobId }
  }
}

/**
 * Whether a value is a `JobError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isJobError = (u: unknown): u is JobError => Predicate.hasProperty(u, TypeId)
