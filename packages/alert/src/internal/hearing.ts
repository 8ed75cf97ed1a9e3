import type { Alert } from "../Alert.ts"
import type * as Outbox from "../Outbox.ts"
import type * as Engine from "./engine.ts"
import { nameOf } from "./notice.ts"

/**
 * An incident that is open, or of which people do not know yet that it is over, and what became of its last alerts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Open extends Engine.Open {
  /** The sinks that have taken its alerts, all that there were. */
  readonly delivered: ReadonlyArray<string>
  /** The sinks for which an alert of it waits for the next attempt, or is under way. */
  readonly waiting: ReadonlyArray<string>
  /** The sinks that refused its last alert for good, or may have lost it and are not sent it again. After a restart they count as `delivered`. */
  readonly refused: ReadonlyArray<string>
}

/** What became of alerts, by their incidents. */
export interface Hearing {
  /** A sink has taken alerts. */
  readonly took: (sink: string, alerts: ReadonlyArray<Alert>) => void
  /** A sink will not take alerts any more. */
  readonly refused: (sink: string, alerts: ReadonlyArray<Alert>) => void
  /** Says of incidents which sinks have taken their alerts; `waiting` has the alerts that none has taken yet. */
  readonly of: (incidents: ReadonlyArray<Engine.Open>, waiting: Iterable<Outbox.Pending>) => ReadonlyArray<Open>
}

/** Refusals of more incidents are not kept: those that were refused the longest ago are forgotten. */
const most = 1000

const idOf = (route: string, incident: string) => `${route} ${incident}`

export const make = (): Hearing => {
  const refusals = new Map<string, ReadonlySet<string>>()
  const set = (id: string, sinks: ReadonlySet<string>) => {
    refusals.delete(id)
    if (sinks.size > 0) refusals.set(id, sinks)
    for (const oldest of refusals.size > most ? refusals.keys() : []) return void refusals.delete(oldest)
  }
  return {
    took: (sink, alerts) => {
      // Few sinks ever refuse an alert.
      if (refusals.size === 0) return
      for (const { incident, route } of alerts) {
        const id = idOf(route, incident)
        const known = refusals.get(id)
        if (known?.has(sink) === true) set(id, new Set([...known].filter((one) => one !== sink)))
      }
    },
    refused: (sink, alerts) => {
      for (const { incident, route } of alerts) {
        const id = idOf(route, incident)
        set(id, new Set([...(refusals.get(id) ?? []), sink]))
      }
    },
    of: (incidents, waiting) => {
      const pending = new Map<string, Array<string>>()
      for (const { alert, sink } of waiting) {
        const id = idOf(alert.route, alert.incident)
        const sinks = pending.get(id)
        if (sinks === undefined) pending.set(id, [sink])
        else if (!sinks.includes(sink)) sinks.push(sink)
      }
      return incidents.map((one) => {
        const { generation, key, told } = one.incident
        const id = idOf(one.route, nameOf(key, generation))
        const still = pending.get(id) ?? []
        const refused = [...(refusals.get(id) ?? [])].filter((sink) => !still.includes(sink))
        const delivered = (told?.sinks ?? []).filter((sink) => !still.includes(sink) && !refused.includes(sink))
        return { ...one, delivered, waiting: still, refused }
      })
    }
  }
}
