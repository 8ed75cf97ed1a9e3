import * as DateTime from "effect/DateTime"
import type { Alert } from "../Alert.ts"
import type * as Incident from "../Incident.ts"
import type { Change } from "../Outbox.ts"

/** What people are told, and by which sinks. */
export interface Notice {
  readonly alert: Alert
  readonly sinks: ReadonlyArray<string>
}

/** What people are told, and what must be kept of it. */
export interface News {
  readonly notices: ReadonlyArray<Notice>
  readonly changes: ReadonlyArray<Change>
}

/** The name of an incident: no other one ever has it. */
export const nameOf = (key: string, generation: number): string => `${key}#${generation.toString(36)}`

/** The name of an incident, if people know of it. */
export const knownName = ({ generation, key, told }: Incident.Incident): string | undefined =>
  told?.isOpen === true ? nameOf(key, generation) : undefined

/** What people are told of an incident. */
export const alertOf = (
  route: string,
  incident: Incident.Incident,
  generation: number,
  status: Incident.Status,
  now: number
): Alert => {
  const { about, count, firstAt, key, lastAt, retrying, severity, untold } = incident
  const name = nameOf(key, generation)
  return {
    ...about,
    id: `${route}/${name}/${status}/${now}`,
    route,
    key,
    incident: name,
    status,
    severity,
    count: untold,
    total: count,
    at: DateTime.makeUnsafe(now),
    firstAt: DateTime.makeUnsafe(firstAt),
    lastAt: DateTime.makeUnsafe(lastAt),
    ...(retrying !== undefined && { nextAt: DateTime.makeUnsafe(retrying.nextAt) })
  }
}
