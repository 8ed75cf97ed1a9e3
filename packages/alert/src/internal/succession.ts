import type * as Incident from "../Incident.ts"
import type { KeptIncident } from "../Outbox.ts"
import type * as Route from "../Route.ts"
import type { Dispatch } from "./dispatch.ts"
import type { Engine, Journal } from "./engine.ts"
import type { Ledger } from "./ledger.ts"
import { alertOf, nameOf, type News } from "./notice.ts"
import * as Watchdog from "./watchdog.ts"

/** Goes on with incidents of other processes, which may have other routes: another version of the program. */
export interface Succession {
  /** Goes on with incidents that were kept. */
  readonly restore: (incidents: ReadonlyArray<KeptIncident>, now: number) => void
  /** Goes on with an incident of which another process has told people. */
  readonly adopt: Engine["adopt"]
}

export const make = (
  routes: ReadonlyArray<Route.Route>,
  isThere: (sink: string) => boolean,
  engine: Pick<Engine, "adopt" | "restore">,
  dispatch: Pick<Dispatch<never>, "add" | "restoreSink">,
  ledger: Pick<Ledger, "journal" | "noRoute">
): Succession => {
  const isRoute = (route: string) => routes.some(({ name }) => name === route)
  const expired = new Set<string>()

  /** Nothing can end an incident without its route: it expires, once. `false` if its sinks are gone, too. */
  const expire = (route: string, incident: Incident.Incident, now: number): boolean => {
    const name = `${route} ${nameOf(incident.key, incident.generation)}`
    if (expired.has(name)) return true
    expired.add(name)
    const news = expiryOf(route, incident, isThere, ledger.journal, now)
    if (news !== undefined) dispatch.add(news)
    return news !== undefined
  }

  return {
    restore: (incidents, now) => {
      let strange = 0
      for (const { incident, route } of incidents) {
        if (route === Watchdog.route) dispatch.restoreSink(incident)
        else if (isRoute(route)) engine.restore(route, incident, now)
        else if (!expire(route, incident, now)) strange++
      }
      if (strange > 0) ledger.noRoute(strange)
    },
    adopt: (route, incident, now) => {
      if (isRoute(route)) engine.adopt(route, incident, now)
      else if (incident.told?.isOpen === true && !expire(route, incident, now)) ledger.noRoute(1)
    }
  }
}

/**
 * Tells those who heard that an incident began that it expired. `undefined` if none of their sinks is there: then it is
 * left to a program that has them.
 */
const expiryOf = (
  route: string,
  incident: Incident.Incident,
  isThere: (sink: string) => boolean,
  journal: Pick<Journal, "suppressed">,
  now: number
): News | undefined => {
  const { generation, key, told, untold } = incident
  const change = { route, key, incident: undefined }
  if (told?.isOpen !== true) {
    if (untold > 0) journal.suppressed(route, key, "no route", untold, now)
    return { notices: [], changes: [change] }
  }
  const sinks = told.sinks.filter(isThere)
  if (sinks.length === 0) return undefined
  return { notices: [{ alert: alertOf(route, incident, generation, "expired", now), sinks }], changes: [change] }
}
