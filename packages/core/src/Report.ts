/**
 * One failure as every adapter sees it: bounded, redacted, complete.
 *
 * A report is made from a failure by structure, so that foreign errors are reported too, and is plain data that any format can
 * carry. Making one never throws, whatever it is made of. It does not decide who is told: adapters do, by its severity.
 *
 * @since 0.1.0
 */
import type * as EffectCause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Catalogue from "./Catalogue.ts"
import * as Failure from "./Failure.ts"
import { attempt, chain, property } from "./internal/chain.ts"
import { read, unreadable } from "./internal/makeReport.ts"
import type * as internal from "./internal/report.ts"

/**
 * Named facts of a failure: texts, numbers and switches. Durations and moments are written as text.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = internal.Fields

/**
 * One thing that the failure wraps; `depth` counts the wraps around it, so that members of an aggregate share theirs.
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
 * A failure. `level` is `program` for what is no job's and no item's; `attributes` are the failure's own fields besides those here;
 * `stack` is of what was thrown first, where a program is to blame; `fingerprint` is equal for failures of the same class.
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
  readonly fingerprint: string
}

/**
 * `secrets` that must not appear in any text, besides those that the failure's own fields hold (none).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
}

/**
 * What was reported, in which cause, where and when: `at` in nanoseconds since the epoch.
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
 * The report of a failure, whatever it is.
 *
 * A wrapper that carries another failure in `failure` (as `RetryExhausted` does) is reported as that failure. A value that says
 * nothing of its severity is an `Error`, as a defect should be. Shown are the fields that a schema declares and what an error says in
 * `ErrorReporter.attributes`; no text is longer than 2000 characters, and none shows a secret, credentials, or the query of a URL.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (failure: unknown, options: Options = {}): Report =>
  attempt(() => read(unwrap(failure), options.secrets ?? [])) ?? unreadable

/**
 * The reports of all failures in a cause, each once; none of interruption.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromCause = (cause: EffectCause.Cause<unknown>, options: Options = {}): ReadonlyArray<Report> => {
  const told = new WeakSet<object>()
  return failuresOf(cause).flatMap((failure) => (tellOnce(told, failure) ? [make(failure, options)] : []))
}

/**
 * The secrets that no report of the fiber shows. None by default, besides those that a failure's own fields hold.
 *
 * @category references
 * @since 0.1.0
 */
export const Secrets: Context.Reference<ReadonlyArray<Redacted.Redacted>> = Context.Reference<
  ReadonlyArray<Redacted.Redacted>
>("@redrive/core/Report/Secrets", { defaultValue: () => [] })

/**
 * Adds secrets to those that no report shows.
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
 * An `ErrorReporter` that tells of every failure once, however often it is raised again, wrapped or unwrapped.
 *
 * Interrupts and failures marked with `ErrorReporter.ignore` are left out. `tell` is called synchronously; what it throws is ignored.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reporter = (tell: (report: Report, told: Told) => void): ErrorReporter.ErrorReporter => {
  const told = new WeakSet<object>()
  return {
    [ErrorReporter.TypeId]: ErrorReporter.TypeId,
    report: ({ cause, fiber, timestamp }) => {
      // A failure that is no object, such as a text, is known by the cause that carries it.
      if (told.has(cause)) return
      told.add(cause)
      // Effect's own constructor hands on a copy of the error, which has lost its fields.
      for (const failure of failuresOf(cause)) {
        if (attempt(() => ErrorReporter.isIgnored(unwrap(failure))) === true || !tellOnce(told, failure)) continue
        attempt(() => tell(make(failure, { secrets: fiber.getRef(Secrets) }), { failure, cause, fiber, at: timestamp }))
      }
    }
  }
}

/**
 * A failure and all that it wraps, however deep: as its cause, its reason, or a member of it. Empty for what is no object. Never throws.
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

/**
 * Whether a failure is new: neither it nor anything that it wraps was told of. From now on it was.
 *
 * What a job or a page fails by is not it: many may fail by the same broken connection, and each is a failure of its own.
 */
const tellOnce = (told: WeakSet<object>, failure: unknown): boolean => {
  const links = chain(failure)
  const own = links.findIndex(({ value }) => attempt(() => Failure.isFailure(value)))
  if (links.some(({ value }, index) => told.has(value) && (own < 0 || index <= own))) return false
  const whole = attempt(() => unwrap(failure)) ?? failure
  for (const value of [failure, whole, Predicate.isObjectKeyword(whole) && property(whole, "reason")]) {
    if (Predicate.isObjectKeyword(value)) told.add(value)
  }
  return true
}

const unwrap = (failure: unknown): unknown =>
  Predicate.isTagged(failure, "RetryExhausted") && Predicate.hasProperty(failure, "failure") ? failure.failure : failure
