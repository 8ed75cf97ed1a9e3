import type * as Incident from "../Incident.ts"
import type * as Route from "../Route.ts"
import type { Hold } from "./engine.ts"
import { type Inhibitor, subjectOf } from "./inhibitor.ts"
import { matches, turnOf } from "./matching.ts"

export interface Settings {
  /** The silences now. */
  readonly silences: () => ReadonlyArray<Route.Silence>
  /** Whether these may end before their time. */
  readonly areSilencesAsked: boolean
}

/** An incident, and its route. */
interface Held {
  readonly route: Route.Route
  readonly incident: Incident.Incident
}

/** Says why nobody is told of incidents for now. */
export interface Holds {
  /** Gives what holds incidents back at a time. It asks for the silences once, however many incidents there are. */
  readonly at: (now: number) => (held: Held) => Hold | undefined
  /** When a hold is looked at again. */
  readonly lookAt: (hold: Hold, now: number) => number
}

/** An inhibition has no end that is known, and somebody may end a silence: they are looked at again after so long. */
const recheck = 30_000

export const make = ({ areSilencesAsked, silences }: Settings, inhibitor: Inhibitor): Holds => {
  const holdOf = ({ incident, route }: Held, silences: ReadonlyArray<Route.Silence>, now: number): Hold | undefined => {
    const silence = silences.find(
      ({ from, match, routes: on, until }) =>
        from <= now && now < until && on?.includes(route.name) !== false && matches(match, subjectOf(incident), now)
    )
    if (silence !== undefined) {
      const until = Math.min(silence.until, turnOf(silence.match, now))
      return { reason: "silence", by: silence.name, until }
    }
    const by = inhibitor.ruleFor(incident, now)
    return by === undefined ? undefined : { reason: "inhibition", by, until: now + recheck }
  }

  return {
    at: (now) => {
      let asked: ReadonlyArray<Route.Silence> | undefined
      return (held) => holdOf(held, (asked ??= silences()), now)
    },
    lookAt: ({ until }, now) => (areSilencesAsked ? Math.min(until, now + recheck) : until)
  }
}
