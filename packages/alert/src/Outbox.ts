/**
 * Keeps alerts and incidents, so that after a restart nothing is forgotten and nobody is told twice.
 *
 * An alert is kept, together with what its incident has become, before it is sent, and forgotten when its sink has taken it. So a process that is killed
 * between the two sends it once more. In memory, which is the default, nothing survives the process.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Alert } from "./Alert.ts"
import type { CallOf, Incident } from "./Incident.ts"

/**
 * An outbox that could not be read or written.
 *
 * @category errors
 * @since 0.1.0
 */
export class OutboxError extends Data.TaggedError("OutboxError")<{
  /** What failed, without secrets. */
  readonly message: string
  /** What was thrown. */
  readonly cause?: unknown
  /** Whether nothing was written because another process holds the outbox now. Default: `false`. */
  readonly isTakenOver?: boolean | undefined
}> {}

/**
 * Whether a commit failed because another process holds the outbox now: then that one tells people.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTakenOver = (cause: Cause.Cause<OutboxError>): boolean => {
  const error = Cause.findErrorOption(cause)
  return error._tag === "Some" && error.value.isTakenOver === true
}

/**
 * What an incident has become.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change {
  /** The name of its route. */
  readonly route: string
  /** Its key. */
  readonly key: string
  /** The incident, or `undefined` if it is forgotten. */
  readonly incident: Incident | undefined
}

/**
 * An alert that a sink is to take.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pending {
  /** The name of the sink. */
  readonly sink: string
  /** The alert. */
  readonly alert: Alert
}

/**
 * An alert that a sink no longer is to take.
 *
 * @category models
 * @since 0.1.0
 */
export interface Done {
  /** The name of the sink. */
  readonly sink: string
  /** The id of the alert. */
  readonly id: string
}

/**
 * What a sink's channel calls the message about an incident.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message {
  /** The name of the sink. */
  readonly sink: string
  /** The name of the incident, as its alerts have it. */
  readonly incident: string
  /** What the channel calls it, or `undefined` if it is forgotten. */
  readonly id: string | undefined
}

/**
 * Changes that are kept together or not at all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changes {
  /** What incidents have become. */
  readonly incidents: ReadonlyArray<Change>
  /** Alerts to be sent. */
  readonly added: ReadonlyArray<Pending>
  /** Alerts that were sent, refused for good, or are no longer worth sending. */
  readonly done: ReadonlyArray<Done>
  /** The ids of what other processes passed on, and is counted now. Default: none. */
  readonly heard?: ReadonlyArray<string> | undefined
  /** What channels call messages, and which of these are forgotten. Default: none. */
  readonly messages?: ReadonlyArray<Message> | undefined
}

/**
 * An incident that was kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeptIncident {
  /** The name of its route. */
  readonly route: string
  /** The incident. */
  readonly incident: Incident
}

/**
 * What was kept before the start.
 *
 * @category models
 * @since 0.1.0
 */
export interface Kept {
  /** The incidents. */
  readonly incidents: ReadonlyArray<KeptIncident>
  /** The alerts that were not taken, in the order in which they were added. */
  readonly pending: ReadonlyArray<Pending>
  /** What channels call the messages about incidents. Default: none. */
  readonly messages?: ReadonlyArray<Message> | undefined
  /** How many incidents and alerts could not be read, such as those of another version. They stay. Default: 0. */
  readonly unread?: number | undefined
}

/**
 * Who holds an outbox that several processes share.
 *
 * @category models
 * @since 0.1.0
 */
export interface Held {
  /** Whether this process does. */
  readonly isHeld: boolean
  /** The calls whose success the process that holds it waits for. */
  readonly calls: ReadonlyArray<CallOf>
}

/**
 * What a process passed on.
 *
 * @category models
 * @since 0.1.0
 */
export interface PassedOn {
  /** Its id, which no other has. */
  readonly id: string
  /** What was heard. */
  readonly text: string
}

/**
 * How processes share an outbox: one holds it and tells people, and the others pass on to it what they hear.
 *
 * @category models
 * @since 0.1.0
 */
export interface Share {
  /** How often it is asked. A process that has not been heard of for a few times as long holds the outbox no longer. */
  readonly interval: Duration.Duration
  /** Takes the outbox if nobody holds it, or goes on holding it; then the success of these calls is waited for. */
  readonly hold: (calls: ReadonlyArray<CallOf>) => Effect.Effect<Held, OutboxError>
  /** Lets another process take it at once. */
  readonly letGo: Effect.Effect<void, OutboxError>
  /** Passes on what was heard to the process that holds it. */
  readonly passOn: (heard: string) => Effect.Effect<void, OutboxError>
  /** What others passed on and no commit has counted, oldest first; not all of it, if it is much. */
  readonly passedOn: Effect.Effect<ReadonlyArray<PassedOn>, OutboxError>
}

/**
 * Where an alerter keeps what it must not forget.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /** Reads what was kept. It is asked at the start, or when this process has taken the outbox. */
  readonly load: Effect.Effect<Kept, OutboxError>
  /** Keeps changes, all or none. */
  readonly commit: (changes: Changes) => Effect.Effect<void, OutboxError>
  /** Whether what it keeps ends with the process, so that at its end people are told all that they do not know. Default: `false`. */
  readonly isMemory?: boolean | undefined
  /** How several processes share it. Default: one process has it for itself. */
  readonly share?: Share | undefined
}

const nothing: Kept = { incidents: [], pending: [] }

/**
 * The outbox of alerters. Default: memory, which keeps nothing beyond the process.
 *
 * @category references
 * @since 0.1.0
 */
export const Outbox: Context.Reference<Service> = Context.Reference<Service>("@redrive/alert/Outbox", {
  defaultValue: () => ({ load: Effect.succeed(nothing), commit: () => Effect.void, isMemory: true })
})

/** What later versions write differently has another number. */
const version = 1

/**
 * An alert as JSON, for outboxes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeAlert = ({ at, firstAt, lastAt, nextAt, ...rest }: Alert): string =>
  JSON.stringify({
    version,
    ...rest,
    at: at.epochMilliseconds,
    firstAt: firstAt.epochMilliseconds,
    lastAt: lastAt.epochMilliseconds,
    nextAt: nextAt?.epochMilliseconds
  })

/**
 * An alert from JSON. What is no alert, such as that of another version, is `undefined`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeAlert = (json: string): Alert | undefined => {
  const value = parsed(json)
  if (value === undefined || typeof value["id"] !== "string" || typeof value["incident"] !== "string") return undefined
  const [at, firstAt, lastAt, nextAt] = ["at", "firstAt", "lastAt", "nextAt"].map((name) => timeOf(value[name]))
  if (at === undefined || firstAt === undefined || lastAt === undefined) return undefined
  const { nextAt: _, version: __, ...rest } = value
  return { ...(rest as unknown as Alert), at, firstAt, lastAt, ...(nextAt !== undefined && { nextAt }) }
}

/**
 * An incident as JSON, for outboxes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeIncident = (incident: Incident): string => JSON.stringify({ version, ...incident })

/**
 * An incident from JSON. What is no incident, such as that of another version, is `undefined`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeIncident = (json: string): Incident | undefined => {
  const value = parsed(json)
  if (value === undefined) return undefined
  const { version: _, ...rest } = value
  const isIncident =
    typeof value["key"] === "string" &&
    ["generation", "changedAt", "firstAt", "lastAt", "count", "untold"].every((name) => Number.isFinite(value[name])) &&
    Array.isArray(value["recent"]) &&
    Array.isArray(value["calls"]) &&
    Predicate.isObject(value["about"])
  return isIncident ? (rest as unknown as Incident) : undefined
}

const parsed = (json: string): { readonly [name: string]: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(json)
    return Predicate.isObject(value) && Predicate.hasProperty(value, "version") && value.version === version
      ? value
      : undefined
  } catch {
    return undefined
  }
}

const timeOf = (value: unknown): DateTime.Utc | undefined =>
  typeof value === "number" && Number.isFinite(value) ? DateTime.makeUnsafe(value) : undefined
