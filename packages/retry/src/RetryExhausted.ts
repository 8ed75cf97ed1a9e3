/**
 * The error of a call that the engine gave up: the reason, the last failure, and every attempt.
 *
 * `failure` is the last error, with its type; `attempts` is the timeline. The verdict is that of the last failure, so that an outer
 * policy, a queue or a redrive can decide for itself whether to try again.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Because from "./Because.ts"
import { type Refused, refusedJson } from "./internal/call/refused.ts"
import { timedOutJson } from "./internal/call/timedOut.ts"

/**
 * Marks a `RetryExhausted`, also one of another copy of this package.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = "~@redrive/retry/RetryExhausted"

/**
 * A failed attempt in the timeline of a call.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Attempt = /*#__PURE__*/ Schema.Struct({
  /** When the attempt began. */
  startedAt: Schema.DateTimeUtcFromString,
  /** How long it took. */
  duration: Schema.DurationFromMillis,
  /** The verdict on its failure. */
  verdict: Verdict.Verdict,
  /** The message of its failure, as reports show it. */
  message: Schema.String,
  /** Whether the other side may have carried it out anyway (`Operation.isAmbiguous`). */
  isAmbiguous: Schema.Boolean,
  /** The wait after it. Absent if no attempt followed, or if the call was parked. */
  wait: Schema.optionalKey(Schema.DurationFromMillis)
})

/**
 * A failed attempt in the timeline of a call.
 *
 * @category models
 * @since 0.1.0
 */
export type Attempt = typeof Attempt.Type

export { Refused } from "./internal/call/refused.ts"

/**
 * The reason for giving up as a tag, for `Effect.catchReason`.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = { readonly [Why in Because.GivenUp]: { readonly _tag: Why } }[Because.GivenUp]

/**
 * The facts of a call that the engine gave up.
 *
 * @category models
 * @since 0.1.0
 */
export interface Facts<out E = unknown> {
  /** The name of the call. */
  readonly name: string
  /** The key of the call. Absent if it has none. */
  readonly key?: string | undefined
  /** Why the call was given up. */
  readonly because: Because.GivenUp
  /** Every attempt, the first one first. */
  readonly attempts: ReadonlyArray<Attempt>
  /** The time from the call's begin, waits included. */
  readonly duration: Duration.Duration
  /** The last failure, or the refusal if there was no attempt. */
  readonly failure: E
  /** The action that a call waited for at its gate, such as `top up`. Absent for other calls. */
  readonly until?: string | undefined
  /** When another try makes sense. Absent if it never does, or if that is unknown. */
  readonly retryAt?: DateTime.Utc | undefined
  /** How far away `retryAt` was when the call was given up. */
  readonly retryAfter?: Duration.Duration | undefined
}

/**
 * A call that the engine gave up. Reports show its facts as attributes (`Report.call`).
 *
 * @category errors
 * @since 0.1.0
 */
export class RetryExhausted<out E = unknown> extends Data.Error implements Facts<E> {
  readonly [TypeId] = TypeId
  readonly _tag = "RetryExhausted"
  /** The name of the call. */
  declare readonly name: string
  /** The key of the call. Absent if it has none. */
  declare readonly key?: string
  /** Why the call was given up. */
  declare readonly because: Because.GivenUp
  /** Every attempt, the first one first. */
  declare readonly attempts: ReadonlyArray<Attempt>
  /** The time from the call's begin, waits included. */
  declare readonly duration: Duration.Duration
  /** The last failure, or the refusal if there was no attempt. */
  declare readonly failure: E
  /** The action that a call waited for at its gate, such as `top up`. Absent for other calls. */
  declare readonly until?: string
  /** When another try makes sense. Absent if it never does, or if that is unknown. */
  declare readonly retryAt?: DateTime.Utc
  /** How far away `retryAt` was when the call was given up. */
  declare readonly retryAfter?: Duration.Duration

  // A call that is refused costs little but this error. Field by field it takes half the time of `Data.TaggedError`, which copies an object.
  constructor({ attempts, because, duration, failure, key, name, retryAfter, retryAt, until }: Facts<E>) {
    super()
    this.name = name
    this.because = because
    this.attempts = attempts
    this.duration = duration
    this.failure = failure
    if (key !== undefined) this.key = key
    if (until !== undefined) this.until = until
    if (retryAt !== undefined) this.retryAt = retryAt
    if (retryAfter !== undefined) this.retryAfter = retryAfter
  }

  /** `because` as a tag, as in `Effect.catchReason("RetryExhausted", "budget", ...)`. */
  get reason(): Reason {
    return { _tag: this.because }
  }

  /**
   * The verdict on the last failure; the reason for giving up matters in two cases. A call that was refused may be sent later, so it is
   * `Throttled` or `Parked`. A creation that may have happened, and a call that is not replayable, are `Permanent`.
   */
  get verdict(): Verdict.Verdict {
    const { attempts, because, retryAfter, until } = this
    if (because === "ambiguous" || because === "not_replayable") return Verdict.permanent
    const last = attempts.at(-1)
    if (last !== undefined) return because === "breaker" ? Verdict.throttled(retryAfter) : last.verdict
    return until === undefined ? Verdict.throttled(retryAfter) : Verdict.parked(until)
  }

  /** Whether any attempt may have been carried out; a later attempt that was never sent does not change that. */
  get isAmbiguous(): boolean {
    return this.attempts.some(({ isAmbiguous }) => isAmbiguous)
  }

  override get message(): string {
    const { attempts, because, failure } = this
    const count = attempts.length === 1 ? "1 attempt" : `${attempts.length} attempts`
    const when = attempts.length === 0 ? "before the first attempt" : `after ${count}`
    return `gave up ${when} (${because}): ${Report.make(failure).message}`
  }

  override get [ErrorReporter.severity]() {
    return Report.make(this.failure).severity
  }

  get [Report.call](): Report.Call {
    const { attempts, because, duration, key, name, retryAfter, retryAt, verdict } = this
    const until = verdict._tag === "Parked" ? verdict.until : this.until
    const history = attempts.map(toHistory)
    return { name, key, because, attempts: attempts.length, duration, retryAt, retryAfter, until, history }
  }
}

const toHistory = ({ duration, message, startedAt, verdict, wait }: Attempt) => ({
  startedAt: DateTime.formatIso(startedAt),
  durationMs: Duration.toMillis(duration),
  message,
  verdict: Verdict.format(verdict),
  ...(wait !== undefined && { delayMs: Duration.toMillis(wait) })
})

/**
 * The timeline as text, one line per attempt, for a terminal or a log.
 *
 * @category formatting
 * @since 0.1.0
 */
export const timeline = ({ attempts, because }: RetryExhausted): ReadonlyArray<string> =>
  attempts.map(({ duration, message, startedAt, wait }, index) => {
    const then = wait === undefined ? because : `then waited ${Duration.format(wait)}`
    return `${index + 1}. ${DateTime.formatIso(startedAt)} took ${Duration.format(duration)}: ${message}; ${then}`
  })

/**
 * The codec of a `RetryExhausted`, for queues, RPC and other ways out of the process.
 *
 * `failure` is the codec of the effect's own errors; timeouts and refusals are covered already.
 *
 * @category codecs
 * @since 0.1.0
 */
export const codec = <E, I>(failure: Schema.Codec<E, I>) =>
  Schema.TaggedStruct("RetryExhausted", {
    name: Schema.String,
    key: Schema.optionalKey(Schema.String),
    because: Because.GivenUp,
    attempts: Schema.Array(Attempt),
    duration: Schema.DurationFromMillis,
    failure: Schema.Union([failure, timedOutJson(), refusedJson()]),
    until: Schema.optionalKey(Schema.String),
    retryAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
    retryAfter: Schema.optionalKey(Schema.DurationFromMillis)
  }).pipe(
    Schema.decodeTo(
      Schema.declare((u: unknown): u is RetryExhausted<E | Cause.TimeoutError | Refused> => isRetryExhausted(u)),
      SchemaTransformation.transform({
        decode: ({ _tag, ...facts }) => new RetryExhausted<E | Cause.TimeoutError | Refused>(facts),
        encode: ({
          attempts,
          because,
          duration,
          failure,
          key,
          name,
          retryAfter,
          retryAt,
          until
        }: RetryExhausted<E | Cause.TimeoutError | Refused>) => ({
          _tag: "RetryExhausted" as const,
          name,
          because,
          attempts,
          duration,
          failure,
          ...(key !== undefined && { key }),
          ...(until !== undefined && { until }),
          ...(retryAt && { retryAt }),
          ...(retryAfter && { retryAfter })
        })
      })
    )
  )

/**
 * Whether a value is a `RetryExhausted`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRetryExhausted = (u: unknown): u is RetryExhausted => Predicate.hasProperty(u, TypeId)
