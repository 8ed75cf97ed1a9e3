import { type Alert, isOver } from "../Alert.ts"

/** What waits for one sink, in order; alerts of one incident are one as long as they wait. */
export interface Backlog {
  /** Adds an alert. Gives what it makes superfluous: alerts that wait no longer, and perhaps the new one itself. */
  readonly add: (alert: Alert) => Added
  /** Takes the first alerts, up to a number of them, and none of an incident of which an earlier one is under way. */
  readonly take: (most: number) => ReadonlyArray<Alert>
  /** What was taken is no longer under way. What of it was not delivered waits again, before all others. */
  readonly done: (taken: ReadonlyArray<Alert>, left: ReadonlyArray<Alert>) => void
  /** Whether there is something to take. */
  readonly isReady: () => boolean
  /** How many alerts wait, those under way included. */
  readonly size: () => number
  /** All that waits, or is under way. */
  readonly all: () => ReadonlyArray<Alert>
  /** The same, and it waits no longer. */
  readonly rest: () => ReadonlyArray<Alert>
  /** When the first alert that waits was made, in epoch milliseconds. */
  readonly since: () => number | undefined
}

/** The alert that waits from now on, if one does, those in whose place it does, and how many failures nobody will be told of. */
export interface Added {
  readonly waits: Alert | undefined
  readonly replaced: ReadonlyArray<Alert>
  readonly untold: number
}

export const make = (): Backlog => {
  /** By incident: what is new about one that waits already takes its place in the queue. */
  let waiting = new Map<string, Alert>()
  const underWay = new Map<string, Alert>()

  const add = (alert: Alert): Added => {
    const before = waiting.get(alert.incident)
    if (before === undefined) {
      waiting.set(alert.incident, alert)
      return { waits: alert, replaced: [], untold: 0 }
    }
    // It was over before anybody was told that it began.
    if (isFirst(before) && isOver(alert)) {
      waiting.delete(alert.incident)
      return { waits: undefined, replaced: [before], untold: before.count + alert.count }
    }
    const one = merged(before, alert)
    waiting.set(alert.incident, one)
    return { waits: one, replaced: [before], untold: 0 }
  }

  return {
    add,
    take: (most) => {
      const taken: Array<Alert> = []
      for (const [incident, alert] of waiting) {
        if (taken.length >= most) break
        if (underWay.has(incident)) continue
        waiting.delete(incident)
        underWay.set(incident, alert)
        taken.push(alert)
      }
      return taken
    },
    done: (taken, left) => {
      for (const { incident } of taken) underWay.delete(incident)
      if (left.length === 0) return
      const since = waiting
      waiting = new Map(left.map((alert) => [alert.incident, alert]))
      // What was on its way may have arrived, so that its end is told in any case.
      for (const [incident, alert] of since) {
        const before = waiting.get(incident)
        if (before === undefined || isOver(alert)) {
          if (before !== undefined) waiting.delete(incident)
          waiting.set(incident, before === undefined ? alert : { ...alert, count: before.count + alert.count })
        } else waiting.set(incident, merged(before, alert))
      }
    },
    isReady: () => {
      if (underWay.size === 0) return waiting.size > 0
      for (const incident of waiting.keys()) if (!underWay.has(incident)) return true
      return false
    },
    size: () => waiting.size + underWay.size,
    all: () => [...underWay.values(), ...waiting.values()],
    rest: () => {
      const all = [...underWay.values(), ...waiting.values()]
      waiting = new Map()
      underWay.clear()
      return all
    },
    since: () => {
      let first = Infinity
      for (const all of [underWay, waiting])
        for (const { at } of all.values()) first = Math.min(first, at.epochMilliseconds)
      return first === Infinity ? undefined : first
    }
  }
}

const isFirst = ({ status }: Alert): boolean => status === "opened" || status === "retrying"

/** Two alerts of one incident as one: the later one's state, and the failures of both. One that opens the incident still does. */
const merged = (before: Alert, after: Alert): Alert => ({
  ...after,
  status: isFirst(before) && !isOver(after) ? "opened" : after.status,
  count: before.count + after.count
})
