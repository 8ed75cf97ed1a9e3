import type * as Incident from "../Incident.ts"
import type * as Route from "../Route.ts"
import { matches } from "./matching.ts"

/** An incident, and what it inhibits while it is open. Only the inhibitor changes that. */
export interface Source {
  readonly incident: Incident.Incident
  inhibits: ReadonlyArray<string>
}

/** Knows which incidents are held back because others are open. */
export interface Inhibitor {
  /** Notes what an incident inhibits from now on, given what it was before. */
  readonly changed: (source: Source, before: Incident.Incident) => void
  /** The name of the rule that holds an incident back, if one does. */
  readonly ruleFor: (incident: Incident.Incident, now: number) => string | undefined
}

export const nothing: ReadonlyArray<string> = []

export const make = (inhibitions: ReadonlyArray<Route.Inhibition>): Inhibitor => {
  /** How many open incidents there are that inhibit others, by rule and by what must be equal. */
  const sources = new Map<string, number>()

  const inhibitedBy = (incident: Incident.Incident): ReadonlyArray<string> =>
    inhibitions.flatMap(({ equal, source }, index) =>
      matches(source, subjectOf(incident), incident.lastAt)
        ? equalOf(equal, incident.about).map((value) => `${index}\n${value}`)
        : []
    )

  return {
    changed: (source, before) => {
      const { incident } = source
      if (inhibitions.length === 0 || (before.isOpen === incident.isOpen && before.about === incident.about)) return
      for (const key of source.inhibits) {
        const left = (sources.get(key) ?? 1) - 1
        if (left === 0) sources.delete(key)
        else sources.set(key, left)
      }
      source.inhibits = incident.isOpen ? inhibitedBy(incident) : nothing
      for (const key of source.inhibits) sources.set(key, (sources.get(key) ?? 0) + 1)
    },
    ruleFor: (incident, now) => {
      const subject = subjectOf(incident)
      for (const [index, { equal, name, source, target }] of inhibitions.entries()) {
        if (!matches(target, subject, now)) continue
        // It does not hold back what it is itself.
        if (matches(source, subject, now)) continue
        // An incident of several jobs is held back only if each of them has failed.
        const values = equalOf(equal, incident.about)
        if (values.length > 0 && values.every((value) => sources.has(`${index}\n${value}`))) return name
      }
      return undefined
    }
  }
}

/** What a match looks at. */
export const subjectOf = ({ about, severity }: Incident.Incident) => ({ ...about, severity })

/** The values that must be equal: a job's failure silences the items of that job, of which an incident may have several. */
const equalOf = (equal: ReadonlyArray<Route.EqualField>, about: Incident.About): ReadonlyArray<string> => {
  let found: ReadonlyArray<string> = [""]
  for (const field of equal) {
    const values = field === "job" ? about.jobIds : [about[field] ?? ""]
    found = found.flatMap((one) => values.map((value) => `${one}\n${value}`))
  }
  return found
}
