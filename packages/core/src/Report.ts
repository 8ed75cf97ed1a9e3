/**
 * One failure as every adapter sees it: bounded, redacted, complete.
 *
 * A report is made from a failure by structure, so that foreign errors are reported too. It is plain data that any format can carry.
 * Making one never throws, whatever the value. Adapters decide by its severity where it goes.
 *
 * @since 0.1.0
 */
import type * as EffectCause from "effect/Cause"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Catalogue from "./Catalogue.ts"
import * as Failure from "./Failure.ts"
import * as internalCall from "./internal/call.ts"
import { attempt, chain, property } from "./internal/chain.ts"
import { readCall, unreadable } from "./internal/makeReport.ts"
import type * as internal from "./internal/report.ts"

/**
 * Named facts of a failure: strings, numbers and booleans. Durations and times are written as strings.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = internal.Fields

/**
 * One error that the failure wraps. `depth` counts its wrappers; members of an aggregate have the same depth.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cause {
  readonly name: string
  readonly message: string
  readonly depth: number
  readonly code?: string
  readonly fields?: Fields
}

/**
 * A failure. `level` is `program` for a failure of neither a job nor an item. `attributes` are the failure's own fields that are not here
 * already, and the facts of the call that ended with it (`Report.call`). `stack` is that of the innermost error, if a program is to blame.
 * `engine` says that the retry engine itself refused the call or timed it out. `fingerprint` is equal for failures of the same class.
 *
 * @category models
 * @since 0.1.0
 */
export interface Report {
  readonly level: Catalogue.Level | "program"
  readonly code: string
  readonly detail?: string
  readonly message: string
  readonly severity: LogLevel.Severity
  readonly actor: Catalogue.Actor
  readonly jobId?: string
  readonly itemId?: string
  readonly url?: string
  readonly host?: string
  readonly attributes: Fields
  readonly causes: ReadonlyArray<Cause>
  readonly stack?: string
  readonly engine?: "refused" | "timed out"
  readonly fingerprint: string
}

/**
 * The property in which a failure keeps the facts of the call that ended with it, as a `Call`. `RetryExhausted` has it, and so do the
 * engine's own refusals and timeouts.
 *
 * @category symbols
 * @since 0.1.0
 */
export const call = internalCall.call

/**
 * The facts of a call that was given up, which become attributes of the report: `call` (its `name`), `key`, `because`, `attempts`,
 * `duration_ms`, `retryAt`, `retryAfter` and `until`. An empty `key` is left out. `attempts` is 0 for a call that was refused before its
 * first. `engine` says that the failure is the engine's own; its fingerprint is made of the call then.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  readonly name: string
  readonly key?: string | undefined
  readonly because?: string | undefined
  readonly attempts?: number | undefined
  readonly duration?: Duration.Duration | undefined
  readonly retryAt?: DateTime.DateTime | undefined
  readonly retryAfter?: Duration.Duration | undefined
  readonly until?: string | undefined
  readonly engine?: Report["engine"] | undefined
}

/**
 * How a report is made.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Secrets that must not appear in any text, besides those in the failure's own fields. Default: none. */
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
}

/**
 * A reported failure, its cause, and where and when it was reported; `at` is in nanoseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Told {
  readonly failure: unknown
  readonly cause: EffectCause.Cause<unknown>
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly at: bigint
}

/**
 * Makes the report of any failure.
 *
 * A `RetryExhausted` is reported as its `failure`, however many calls gave that up, with the facts of a call as attributes. Those of the
 * innermost call have the plain names, and those of the outermost `outer_` before them; a call that left the failure to the call around it
 * (`nested`) does not count. An attribute of the failure's own is never replaced: the call's gets a `_` at its end.
 *
 * Without a severity of its own, a value has the severity `Error`. The report shows the fields that a schema declares, and those in
 * `ErrorReporter.attributes`. No text is longer than 2000 characters, and none shows a secret, credentials, or the query of a URL.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (failure: unknown, options: Options = {}): Report =>
  attempt(() => readCall(internalCall.unwrap(failure), options.secrets ?? [])) ?? unreadable

/**
 * The reports of all failures in a cause, each once, without interruptions.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromCause = (cause: EffectCause.Cause<unknown>, options: Options = {}): ReadonlyArray<Report> => {
  const told: Heard = new WeakMap()
  return failuresOf(cause).flatMap((failure) => (tellOnce(told, failure, 0n) ? [make(failure, options)] : []))
}

/**
 * The secrets that the fiber's reports hide. None by default; secrets in a failure's own fields are always hidden.
 *
 * @category references
 * @since 0.1.0
 */
export const Secrets: Context.Reference<ReadonlyArray<Redacted.Redacted>> = Context.Reference<
  ReadonlyArray<Redacted.Redacted>
>("@redrive/core/Report/Secrets", { defaultValue: () => [] })

/**
 * Adds secrets that reports hide.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSecrets = (...secrets: ReadonlyArray<Redacted.Redacted>): Layer.Layer<never> =>
  Layer.effect(
    Secrets,
    Effect.map(Secrets, (known) => [...known, ...secrets])
  )

/**
 * An `ErrorReporter` that reports every failure once, however often it is raised again within a second, alone or wrapped.
 *
 * What is raised later is another failure, though a program may keep one object for all. So is an error that another one caused: only the
 * wrappers of a job's or an item's failure, and `RetryExhausted`, are the failure itself. Interrupts and failures marked with `ErrorReporter.ignore` are left out. `tell` is called synchronously; what it throws is ignored.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reporter = (tell: (report: Report, told: Told) => void): ErrorReporter.ErrorReporter => {
  const told: Heard = new WeakMap()
  return {
    [ErrorReporter.TypeId]: ErrorReporter.TypeId,
    report: ({ cause, fiber, timestamp }) => {
      // A failure that is not an object, such as a string, is identified by the cause that carries it.
      if (isHeard(told, cause, timestamp)) return
      told.set(cause, timestamp)
      // Effect's own constructor passes on a copy of the error, without its fields.
      for (const failure of failuresOf(cause)) {
        if (attempt(() => ErrorReporter.isIgnored(unwrap(failure))) === true || !tellOnce(told, failure, timestamp))
          continue
        attempt(() => tell(make(failure, { secrets: fiber.getRef(Secrets) }), { failure, cause, fiber, at: timestamp }))
      }
    }
  }
}

/**
 * A failure and everything that it wraps, at any depth: causes, reasons and members. Empty for a value that is not an object. Never throws.
 *
 * @category getters
 * @since 0.1.0
 */
export const wrapped = (failure: unknown): ReadonlyArray<object> => chain(failure).map(({ value }) => value)

const failuresOf = (cause: EffectCause.Cause<unknown>): ReadonlyArray<unknown> =>
  cause.reasons.flatMap((reason) => {
    if (reason._tag === "Interrupt") return []
    return [reason._tag === "Fail" ? reason.error : reason.defect]
  })

/** What was reported, and when, in nanoseconds since the epoch. */
type Heard = WeakMap<object, bigint>

/** What is raised again after so many nanoseconds is no longer on its way up: it happened again. */
const once = 1_000_000_000n

const isHeard = (told: Heard, value: object, now: bigint): boolean => {
  const at = told.get(value)
  // A clock that is set back makes nothing silent.
  return at !== undefined && now - at < once && at - now < once
}

/**
 * Whether a failure is new, which means that neither it nor the job's or item's failure that it wraps was reported just now. Marks it as
 * reported.
 *
 * The cause of a failure does not count: many may fail from the same broken connection, and each is a failure of its own.
 */
const tellOnce = (told: Heard, failure: unknown, now: bigint): boolean => {
  const whole = attempt(() => unwrap(failure)) ?? failure
  const same = wrappersOfOurs(failure) ?? [failure, whole].filter(Predicate.isObjectKeyword)
  if (same.some((value) => isHeard(told, value, now))) return false
  for (const value of [failure, whole, Predicate.isObjectKeyword(whole) && property(whole, "reason")]) {
    if (Predicate.isObjectKeyword(value)) told.set(value, now)
  }
  return true
}

/** The failure of a job or an item that a failure is, or wraps, with its wrappers; none if it is one of several. */
const wrappersOfOurs = (failure: unknown): ReadonlyArray<object> | undefined => {
  const found: Array<object> = []
  for (const { isMember, parent, value } of chain(failure)) {
    if (isMember || parent?.value !== found.at(-1)) return undefined
    found.push(value)
    if (attempt(() => Failure.isFailure(value)) === true) return found
  }
  return undefined
}

const unwrap = (failure: unknown): unknown => internalCall.unwrap(failure).failure
