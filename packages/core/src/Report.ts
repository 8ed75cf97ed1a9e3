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
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import type * as Redacted from "effect/Redacted"
import type * as Catalogue from "./Catalogue.ts"
import * as Bindings from "./internal/bindings.ts"
import * as internalCall from "./internal/report/call.ts"
import { chain, safely as attempt } from "./internal/chain.ts"
import { readCall, unreadable } from "./internal/report/makeReport.ts"
import { failuresOf, type Heard, identityOf, isNew } from "./internal/report/once.ts"
import type * as internal from "./internal/report/report.ts"

/**
 * Named facts of a failure: strings, numbers and booleans. Durations and times are written as strings.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = internal.Fields

/**
 * One error that the failure wraps.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cause {
  /** The name of the error, or the type of what is no object. */
  readonly name: string
  /** What it says: at most 2000 characters, without secrets. */
  readonly message: string
  /** How many errors wrap it, besides the failure itself; members of an aggregate have the same depth. */
  readonly depth: number
  /** The code that the error gives itself, if any. */
  readonly code?: string
  /** Its fields that may be shown, and the facts of the call that it ended. */
  readonly fields?: Fields
}

/**
 * One failed attempt of the calls that a failure ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  /** The name of the call. */
  readonly call: string
  /** The number of the attempt within its call, from 1. */
  readonly attempt: number
  /** When it began, as an ISO 8601 text in UTC. */
  readonly startedAt: string
  /** How long it took, in milliseconds. */
  readonly durationMs: number
  /** What its failure said, without secrets. */
  readonly message: string
  /** The verdict on its failure, in the words of `Verdict.format`. */
  readonly verdict: string
  /** The wait after it in milliseconds, if another attempt followed. */
  readonly delayMs?: number
}

/**
 * A failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface Report {
  /** Where it happened; `program` for a failure of neither a job nor an item. */
  readonly level: Catalogue.Level | "program"
  /** The code of a job's or an item's failure; the name of any other error, or the type of what is no object. */
  readonly code: string
  /** What refines the code: a detail of the catalogue, or the error's own `code`. */
  readonly detail?: string
  /** What the failure says: at most 2000 characters, without secrets. */
  readonly message: string
  /** How bad it is: the failure's own severity, else `Error`. */
  readonly severity: LogLevel.Severity
  /** Who must act before it goes away: `operator` unless the catalogue says otherwise. */
  readonly actor: Catalogue.Actor
  /** The job that failed, or whose item failed, if the failure names one. */
  readonly jobId?: string
  /** The item that failed, if the failure names one. */
  readonly itemId?: string
  /** The page that failed, without credentials and query. */
  readonly url?: string
  /** The host of the URL, or of the key of a call that the engine refused or timed out. */
  readonly host?: string
  /** The failure's own fields that are not here already, and the facts of the call that ended with it (`Report.call`). */
  readonly attributes: Fields
  /** What the failure wraps, outermost first; at most 8. */
  readonly causes: ReadonlyArray<Cause>
  /** The stack of the innermost error, if a program is to blame. */
  readonly stack?: string
  /** What the retry engine itself did to the call, if the failure is the engine's. */
  readonly engine?: "refused" | "timed out"
  /** The last 30 attempts that led to the failure, oldest first, if a call was given up with it. */
  readonly history?: ReadonlyArray<Attempt>
  /** Equal for failures of the same class, in every process: 16 hexadecimal digits. */
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
 * The facts of a call that was given up. They become attributes of the report: `call`, `key`, `because`, `attempts`, `duration_ms`,
 * `retryAt`, `retryAfter` and `until`; `history` becomes the report's own.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  /** The name of the call: the attribute `call`. */
  readonly name: string
  /** The key that the call shared with others, such as a host. An empty one is left out. */
  readonly key?: string | undefined
  /** Why no further attempt followed. */
  readonly because?: string | undefined
  /** How many attempts there were: 0 for a call that was refused before its first. */
  readonly attempts?: number | undefined
  /** The time from the call's begin to its end, waits included: the attribute `duration_ms`. */
  readonly duration?: Duration.Duration | undefined
  /** When another try makes sense. */
  readonly retryAt?: DateTime.DateTime | undefined
  /** How far away `retryAt` was when the call was given up. */
  readonly retryAfter?: Duration.Duration | undefined
  /** The action that a parked call waited for. */
  readonly until?: string | undefined
  /** Says that the failure is the engine's own. Its fingerprint is made of the call then. */
  readonly engine?: Report["engine"] | undefined
  /** The failed attempts of the call, oldest first. They are counted from 1. */
  readonly history?: ReadonlyArray<Omit<Attempt, "call" | "attempt">> | undefined
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
  /** The call that ended with the failure, where the failure does not carry it. Default: none. */
  readonly call?: Call | undefined
}

const noSecrets: ReadonlyArray<Redacted.Redacted> = []

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
  attempt(() => {
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
 * The secrets that reports hide within a context, such as a fiber's. Those in a failure's own fields are hidden besides.
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
