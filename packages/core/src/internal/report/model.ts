import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as LogLevel from "effect/LogLevel"
import type * as Catalogue from "../../Catalogue.ts"

/** The value of a field. */
export type Field = string | number | boolean

/** What is being made: a field that may be missing is set later, since to spread `{}` for each such field takes longer. */
export type Draft<A> = { -readonly [Name in keyof A]: A[Name] }

/**
 * Named facts of a failure: strings, numbers and booleans. Durations and times are written as strings.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = { readonly [name: string]: Field }

/**
 * One error that the failure wraps.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cause {
  /** The name of the error, or the type of a value that is not an object. */
  readonly name: string
  /** The message: at most 2000 characters, without secrets. */
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
  /** The message of its failure, without secrets. */
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
  /** The code of a job's or an item's failure; the name of any other error, or the type of a value that is not an object. */
  readonly code: string
  /** The detail that refines the code: the catalogue's, or the error's own `code`. */
  readonly detail?: string
  /** The message: at most 2000 characters, without secrets. */
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
  /** The host of the URL, of a client's request, or of the key of a call that the engine refused or timed out. */
  readonly host?: string
  /** The failure's own fields that are not here already, and the facts of the call that ended with it (`Report.call`). */
  readonly attributes: Fields
  /** The errors that the failure wraps, outermost first; at most 8. */
  readonly causes: ReadonlyArray<Cause>
  /** The stack of the innermost error, if a program is to blame. */
  readonly stack?: string
  /** How the retry engine ended the call, if the failure is the engine's own. */
  readonly engine?: "refused" | "timed out"
  /** The last 30 attempts that led to the failure, oldest first, if a call was given up with it. */
  readonly history?: ReadonlyArray<Attempt>
  /** Equal for failures of the same class, in every process: 16 hexadecimal digits. */
  readonly fingerprint: string
}

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
  /** The time from the start of the call to its end, waits included: the attribute `duration_ms`. */
  readonly duration?: Duration.Duration | undefined
  /** When another try makes sense. */
  readonly retryAt?: DateTime.DateTime | undefined
  /** How far away `retryAt` was when the call was given up. */
  readonly retryAfter?: Duration.Duration | undefined
  /** The action that a parked call waited for. */
  readonly until?: string | undefined
  /** Marks the failure as the engine's own, whose fingerprint is made from the call. Default: it is not the engine's. */
  readonly engine?: Report["engine"] | undefined
  /** The failed attempts of the call, oldest first. They are counted from 1. */
  readonly history?: ReadonlyArray<Omit<Attempt, "call" | "attempt">> | undefined
}
