/**
 * One failure as every adapter sees it: bounded, redacted, complete.
 *
 * A report is made from a failure by structure, so that foreign errors are reported too. It is plain data that any format can carry.
 * Making one never throws, whatever the value. Adapters decide by its severity where it goes.
 *
 * @since 0.1.0
 */
import type * as EffectCause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Bindings from "./internal/bindings.ts"
import * as internalCall from "./internal/report/call.ts"
import { chain, safely } from "./internal/chain.ts"
import { readCall, unreadable } from "./internal/report/makeReport.ts"
import { failuresOf, type Heard, identityOf, isNew } from "./internal/report/once.ts"
import type { Call, Report } from "./internal/report/model.ts"

export type { Attempt, Call, Cause, Fields, Report } from "./internal/report/model.ts"

/**
 * The property in which a failure keeps the facts of the call that ended with it, as a `Call`. `RetryExhausted` has it, and so do the
 * engine's own refusals and timeouts.
 *
 * @category symbols
 * @since 0.1.0
 */
export const call = internalCall.call

/**
 * How a report is made.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Secrets that must not appear in any text, besides those in the failure's own fields. Default: none. */
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
  /** The call that ended with the failure, where the failure does not carry it. Default: none. */
  readonly call?: Call | undefined
}

const noSecrets: ReadonlyArray<Redacted.Redacted> = []

/**
 * Makes the report of any failure.
 *
 * A `RetryExhausted` is reported as its `failure`, however many calls gave up on it, and the facts of these calls become attributes. The
 * innermost call's have plain names, and the outermost call's begin with `outer_`. A call that left the failure to the call around it (`nested`)
 * does not count. The failure's own attributes are never replaced: if a name is taken, the call's attribute gets a `_` at its end.
 *
 * Without a severity of its own, a value has the severity `Error`. The report shows the fields that a schema declares, and those in
 * `ErrorReporter.attributes`. No text is longer than 2000 characters, and none shows a secret, credentials, or the query of a URL.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (failure: unknown, options: Options = {}): Report =>
  safely(() => {
    const { calls, failure: own } = internalCall.unwrap(failure)
    const known = calls.length === 0 && options.call !== undefined ? [options.call] : calls
    return readCall({ calls: known, failure: own }, options.secrets ?? noSecrets)
  }) ?? unreadable

/**
 * The reports of all failures in a cause, each once, without interruptions.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromCause = (cause: EffectCause.Cause<unknown>, options: Options = {}): ReadonlyArray<Report> => {
  const heard: Heard = new WeakMap()
  return failuresOf(cause).flatMap((failure) => (isNew(heard, identityOf(failure), 0n) ? [make(failure, options)] : []))
}

const secrets = Bindings.make<ReadonlyArray<Redacted.Redacted>>("@redrive/core/Report/Secrets")

/**
 * The secrets that reports hide within a context, such as a fiber's. Those in a failure's own fields are always hidden.
 *
 * @category getters
 * @since 0.1.0
 */
export const secretsOf = (context: Context.Context<never>): ReadonlyArray<Redacted.Redacted> => {
  const [first = noSecrets, ...more] = secrets.of(context)
  return more.length === 0 ? first : [first, ...more].flat()
}

/**
 * Adds secrets that reports hide to those of other layers.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSecrets = (...more: ReadonlyArray<Redacted.Redacted>): Layer.Layer<never> => secrets.layer(more)

/**
 * A failure and everything that it wraps, at any depth: causes, reasons and members. Empty for a value that is not an object. Never throws.
 *
 * @category getters
 * @since 0.1.0
 */
export const wrapped = (failure: unknown): ReadonlyArray<object> => chain(failure).map(({ value }) => value)
