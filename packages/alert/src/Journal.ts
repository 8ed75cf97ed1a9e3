/**
 * Why somebody was told of something, or was not: what the alerter decided, kept for a while.
 *
 * Decisions of one kind about one incident within a minute are one entry with a count, so that a storm leaves few. This journal is in memory, and its
 * oldest entries make room; `SqlJournal` keeps them in a database.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as DateTime from "effect/DateTime"
import * as Entries from "./internal/entries.ts"

/**
 * Why nobody was told of failures.
 *
 * `no route`: no route matches. `no sink`: the route has none. `below the rule`: too few to open an incident. `over in time`: it was over before anybody
 * was told. `silence`, `inhibition`, `flapping`: it was held back, and was over meanwhile.
 *
 * @category models
 * @since 0.1.0
 */
export type Suppression =
  | "no route"
  | "no sink"
  | "below the rule"
  | "over in time"
  | "silence"
  | "inhibition"
  | "flapping"

/**
 * A decision.
 *
 * `told`: an alert was made. `held`: an alert is held back for now. `suppressed`: nobody is told of these failures. `delivered`: a sink took the alert.
 * `refused`: a sink will never take it. `collapsed`: the incident was over before the sink took its first alert.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  /** When it was first decided, in epoch milliseconds. */
  readonly at: number
  /** The route; empty if none matched. */
  readonly route: string
  /** The key of the incident; empty if no route matched. */
  readonly key: string
  /** The name of the incident, as its alerts have it; empty if people do not know of it. */
  readonly incident: string
  /** What was decided. */
  readonly decision: "told" | "held" | "suppressed" | "delivered" | "refused" | "collapsed"
  /** Why: the status of an alert, a suppression, a silence or inhibition with its name, or what a sink said. */
  readonly why: string
  /** The sinks it is about; none if it is about no sink. */
  readonly sinks: ReadonlyArray<string>
  /** How many failures it is about. */
  readonly count: number
}

/**
 * Takes decisions.
 *
 * @category models
 * @since 0.1.0
 */
export interface Writer {
  /** Notes a decision. The alerter calls it, synchronously. */
  readonly note: (entry: Entry) => void
}

/**
 * A journal of decisions.
 *
 * @category models
 * @since 0.1.0
 */
export interface Journal extends Writer {
  /** What was decided about a key, oldest first; every key without one. */
  readonly entries: (key?: string) => ReadonlyArray<Entry>
  /** The same in words, a line for each. */
  readonly explain: (key: string) => ReadonlyArray<string>
}

/**
 * How much a journal keeps.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The most entries. Default: 10,000. */
  readonly most?: number | undefined
}

const rules: Check.Rules<Options> = { most: Check.int(1) }

/**
 * Makes a journal: give it to an alerter as `journal`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Journal => {
  const { most = 10_000 } = Check.options("Journal.make", rules, options)
  /** By what they say and the minute in which it was decided. */
  const kept = new Map<string, Entry>()
  const entries = (key?: string) => [...kept.values()].filter((entry) => key === undefined || entry.key === key)
  return {
    note: (entry) => Entries.note(kept, entry, most),
    entries,
    explain: (key) => entries(key).map(format)
  }
}

/**
 * A decision in words, in one line.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = ({ at, count, decision, route, sinks, why }: Entry): string => {
  const who = sinks.length === 0 ? "nobody" : sinks.join(", ")
  const what = {
    told: `${who} to be told: ${why}`,
    held: `held back by ${why}`,
    suppressed: `nobody is told: ${why}`,
    delivered: `${who} told: ${why}`,
    refused: `refused by ${who}: ${why}`,
    collapsed: `${who} not told: ${why}`
  }[decision]
  const failures = count === 0 ? "" : `, ${count} ${count === 1 ? "failure" : "failures"}`
  return `${DateTime.formatIso(DateTime.makeUnsafe(at))} ${route}: ${what}${failures}`
}
