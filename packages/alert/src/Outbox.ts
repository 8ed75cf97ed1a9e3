/**
 * Keeps alerts and incidents, so that after a restart nothing is forgotten and nobody is told twice.
 *
 * An alert is kept, together with what its incident has become, before it is sent, and forgotten when its sink has taken it. So a process that is killed
 * between the two sends it once more. In memory, which is the default, nothing survives the process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Alert } from "./Alert.ts"
import type { Incident } from "./Incident.ts"

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
}> {}

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
  /** How many incidents and alerts could not be read, such as those of another version. They stay. Default: 0. */
  readonly unread?: number | undefined
}

/**
 * Where an alerter keeps what it must not forget.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /** Reads what was kept. It is asked once, at the start. */
  readonly load: Effect.Effect<Kept, OutboxError>
  /** Keeps changes, all or none. */
  readonly commit: (changes: Changes) => Effect.Effect<void, OutboxError>
}

const nothing: Kept = { incidents: [], pending: [] }

/**
 * The outbox of alerters. Default: memory, which keeps nothing beyond the process.
 *
 * @category references
 * @since 0.1.0
 */
export const Outbox: Context.Reference<Service> = Context.Reference<Service>("@redrive/alert/Outbox", {
  defaultValue: () => ({ load: Effect.succeed(nothing), commit: () => Effect.void })
})

/**
 * An alert as JSON, for outboxes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeAlert = ({ at, firstAt, lastAt, nextAt, ...rest }: Alert): string =>
  JSON.stringify({
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
  const { nextAt: _, ...rest } = value
  return { ...(rest as unknown as Alert), at, firstAt, lastAt, ...(nextAt !== undefined && { nextAt }) }
}

/**
 * An incident as JSON, for outboxes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeIncident = (incident: Incident): string => JSON.stringify(incident)

/**
 * An incident from JSON. What is no incident, such as that of another version, is `undefined`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeIncident = (json: string): Incident | undefined => {
  const value = parsed(json)
  const isIncident =
    value !== undefined &&
    typeof value["key"] === "string" &&
    ["generation", "changedAt", "firstAt", "lastAt", "count", "untold"].every((name) => Number.isFinite(value[name])) &&
    Array.isArray(value["recent"]) &&
    Array.isArray(value["calls"]) &&
    Predicate.isObject(value["about"])
  return isIncident ? (value as unknown as Incident) : undefined
}

const parsed = (json: string): { readonly [name: string]: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(json)
    return Predicate.isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const timeOf = (value: unknown): DateTime.Utc | undefined =>
  typeof value === "number" && Number.isFinite(value) ? DateTime.makeUnsafe(value) : undefined
