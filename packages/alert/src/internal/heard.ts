import type * as Report from "@redrive/core/Report"
import * as Predicate from "effect/Predicate"
import type * as Incident from "../Incident.ts"
import type * as Engine from "./engine.ts"

/** What one process heard, and another one is to count, so many times. */
export type Heard =
  | { readonly _tag: "Failed"; readonly report: Report.Report; times: number }
  | {
      readonly _tag: "Retrying"
      readonly report: Report.Report
      readonly when: Engine.When
      readonly call: Incident.CallOf
      times: number
    }
  | { readonly _tag: "Worked" | "Ended"; readonly call: Incident.CallOf; times: number }
  | { readonly _tag: "Told"; readonly route: string; readonly incident: Incident.Incident; times: number }

/** What is heard until it is passed on: equal failures are one, with their number. */
export interface Pile extends Engine.Ear {
  readonly told: (route: string, incident: Incident.Incident) => void
  /** The failures of an incident that nobody was told of, and the policy that retries. */
  readonly again: (incident: Incident.Incident) => void
  readonly take: () => ReadonlyArray<Heard>
  /** Takes back what could not be passed on. */
  readonly back: (heard: ReadonlyArray<Heard>) => void
  /** How many failures found no room, since this was asked last. */
  readonly dropped: () => number
  /** How many failures it has. */
  readonly failures: () => number
}

/** More kinds are not kept. */
const most = 10_000

/** Of a call that goes to and fro more often only the last outcome comes last. */
const mostTurns = 100

/** Nobody's success counts more often than this, whatever the route. */
const mostTimes = 1000

/** `keysOf` gives the keys of the incidents that a failure belongs to. */
export const pile = (keysOf: (report: Report.Report) => ReadonlyArray<string>): Pile => {
  let kept = new Map<string, Heard>()
  let dropped = 0
  const turns = turnsOfCalls()

  const add = (id: string, heard: Heard) => {
    const before = kept.get(id)
    if (before !== undefined) {
      // What was heard last comes last: it says whether it is over.
      kept.delete(id)
      kept.set(id, { ...heard, times: before.times + heard.times })
    }
    // Whoever was told that something began must hear its end.
    else if (kept.size < most || heard._tag === "Told") kept.set(id, heard)
    else if (heard._tag === "Failed") dropped += heard.times
  }
  const failingTurnOf = ({ attributes: { call, key = "" } }: Report.Report): string =>
    typeof call === "string" ? String(turns.of({ name: call, key: String(key) }, true)) : ""
  const idOf = (heard: Heard): string => {
    switch (heard._tag) {
      case "Failed":
        return ["f", failingTurnOf(heard.report), heard.report.fingerprint, heard.report.severity]
          .concat(keysOf(heard.report))
          .join("\n")
      case "Told":
        return ["t", heard.route, heard.incident.key].join("\n")
      case "Worked":
        return ["w", turns.of(heard.call, false), heard.call.name, heard.call.key].join("\n")
      default:
        return [heard._tag, heard.call.name, heard.call.key].join("\n")
    }
  }
  const hear = (heard: Heard) => {
    const id = idOf(heard)
    // Only the last news of a call that is retried counts.
    if (heard._tag === "Retrying") kept.delete(id)
    add(id, heard)
  }
  return {
    failed: (report) => hear({ _tag: "Failed", report, times: 1 }),
    retrying: (report, when, call) => hear({ _tag: "Retrying", report, when, call, times: 1 }),
    worked: (call) => hear({ _tag: "Worked", call, times: 1 }),
    ended: (call) => hear({ _tag: "Ended", call, times: 1 }),
    told: (route, incident) => hear({ _tag: "Told", route, incident, times: 1 }),
    again: (incident) => {
      const report = reportOf(incident)
      const times = incident.untold || incident.count
      if (times > 0) hear({ _tag: "Failed", report, times })
      const [call] = incident.calls
      if (incident.retrying !== undefined && call !== undefined)
        hear({ _tag: "Retrying", report, when: incident.retrying, call, times: 1 })
    },
    take: () => {
      const all = [...kept.values()]
      kept = new Map()
      turns.clear()
      return all
    },
    back: (heard) => {
      const since = kept
      kept = new Map()
      turns.clear()
      for (const one of [...heard, ...since.values()]) hear(one)
    },
    dropped: () => {
      const count = dropped
      dropped = 0
      return count
    },
    failures: () => [...kept.values()].reduce((sum, { _tag, times }) => sum + (_tag === "Failed" ? times : 0), 0)
  }
}

/** Counts the turns of calls between failing and working, so that no outcome counts as more in a row than it was. */
const turnsOfCalls = () => {
  const turns = new Map<string, { readonly isFailing: boolean; readonly count: number }>()
  return {
    of: ({ key, name }: Incident.CallOf, isFailing: boolean): number => {
      const id = `${name}\n${key}`
      const before = turns.get(id)
      if (before?.isFailing === isFailing) return before.count
      const count = Math.min((before?.count ?? 0) + 1, mostTurns)
      turns.set(id, { isFailing, count })
      return count
    },
    clear: () => turns.clear()
  }
}

/** A report of which the incident could be. */
export const reportOf = ({ about, calls: [call], fingerprints, severity }: Incident.Incident): Report.Report => {
  const { jobIds, urls, ...rest } = about
  return {
    ...rest,
    severity,
    fingerprint: fingerprints[0] ?? "",
    ...(urls[0] !== undefined && { url: urls[0] }),
    ...(jobIds[0] !== undefined && { jobId: jobIds[0] }),
    attributes: call === undefined ? {} : { call: call.name, key: call.key },
    causes: []
  }
}

/** Tells an alerter what was heard elsewhere. */
export const tell = (
  heard: Heard,
  desk: Engine.Ear & { readonly adopt: Engine.Engine["adopt"] },
  now: number
): void => {
  switch (heard._tag) {
    case "Failed":
      for (let n = 0; n < heard.times; n++) desk.failed(heard.report, now)
      return
    case "Retrying":
      return desk.retrying(heard.report, heard.when, heard.call, now)
    case "Worked":
      for (let n = 0; n < Math.min(heard.times, mostTimes); n++) desk.worked(heard.call, now)
      return
    case "Ended":
      return desk.ended(heard.call, now)
    case "Told":
      return desk.adopt(heard.route, heard.incident, now)
  }
}

/** What others write that is read differently has another number. */
const version = 1

/** Incidents look at no causes, history or stack. */
const shortOf = ({ causes: _, history: __, stack: ___, ...report }: Report.Report): Report.Report => ({
  ...report,
  causes: []
})

export const encode = (heard: ReadonlyArray<Heard>): string =>
  JSON.stringify({
    version,
    heard: heard.map((one) => ("report" in one ? { ...one, report: shortOf(one.report) } : one))
  })

/** What another version wrote is `undefined`. */
export const decode = (text: string): ReadonlyArray<Heard> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (!Predicate.hasProperty(value, "version") || value.version !== version) return undefined
    return Predicate.hasProperty(value, "heard") && Array.isArray(value.heard) ? value.heard : undefined
  } catch {
    return undefined
  }
}
