import { type Alert, isOver } from "../Alert.ts"

/** An alert that waits or is under way: the ids of the alerts that it is made of, and whether a sink may have taken it already. */
export interface Item {
  readonly alert: Alert
  readonly ids: ReadonlyArray<string>
  readonly isTried: boolean
}

/** The alerts that wait for one sink, in order. Alerts of one incident are merged as long as they wait. */
export interface Backlog {
  /** Adds an alert. `isTried` says that an earlier process may have delivered it. */
  readonly add: (alert: Alert, isTried: boolean) => Added
  /** Takes the first alerts, up to a number of them, and none of an incident of which an earlier one is under way. */
  readonly take: (most: number) => ReadonlyArray<Item>
  /** Ends what `take` began. Alerts that are left wait again, before all others. */
  readonly done: (taken: ReadonlyArray<Item>, left: ReadonlyArray<Item>) => void
  /** Whether there is something to take. */
  readonly isReady: () => boolean
  /** Whether alerts are under way. */
  readonly isUnderWay: () => boolean
  /** How many alerts wait, those under way included. */
  readonly size: () => number
  /** All that waits, or is under way. */
  readonly all: () => ReadonlyArray<Alert>
  /** The same, and it waits no longer. */
  readonly rest: () => ReadonlyArray<Alert>
  /** When the first alert that waits was made, in epoch milliseconds. */
  readonly since: () => number | undefined
}

/** What becomes of an alert that is added. */
export interface Added {
  /** Ids of alerts that nobody is told of: an incident was over before its beginning was told. */
  readonly dropped: ReadonlyArray<string>
  /** How many failures these were about. */
  readonly untold: number
}

const none: Added = { dropped: [], untold: 0 }

/** `isFirst` says whether the sink's people hear of an incident by an alert for the first time. */
export const make = (isFirst: (alert: Alert) => boolean = isOpening): Backlog => {
  /** By incident: what is new about one that waits takes its place in the queue. */
  let waiting = new Map<string, Item>()
  const underWay = new Map<string, Item>()
  /** The last words about incidents whose beginning waits, and may have been told: they come after it in any case. */
  const ends = new Map<string, Item>()

  const add = (item: Item): Added => {
    const { incident } = item.alert
    const before = waiting.get(incident)
    // A sink that stands in for another may get an alert from both.
    if (item.ids.every((id) => before?.ids.includes(id) === true)) return none
    if (before === undefined) {
      waiting.set(incident, item)
      return none
    }
    if (!isFirst(before.alert) || !isOver(item.alert)) {
      waiting.set(incident, merged(before, item, isFirst(before.alert)))
      return none
    }
    if (before.isTried) {
      ends.set(incident, item)
      return none
    }
    // It was over before anybody was told that it began.
    waiting.delete(incident)
    return { dropped: [...before.ids, ...item.ids], untold: before.alert.count + item.alert.count }
  }

  const items = () => [...underWay.values(), ...waiting.values(), ...ends.values()]

  return {
    add: (alert, isTried) => add({ alert, ids: [alert.id], isTried }),
    take: (most) => {
      const taken: Array<Item> = []
      for (const [incident, item] of waiting) {
        if (taken.length >= most) break
        if (underWay.has(incident)) continue
        waiting.delete(incident)
        underWay.set(incident, item)
        taken.push(item)
      }
      return taken
    },
    done: (taken, left) => {
      for (const { alert } of taken) underWay.delete(alert.incident)
      const since = waiting
      waiting = new Map(left.map((item) => [item.alert.incident, { ...item, isTried: true }]))
      for (const item of since.values()) add(item)
      for (const { alert } of taken) {
        const end = ends.get(alert.incident)
        if (end === undefined || waiting.has(alert.incident)) continue
        ends.delete(alert.incident)
        waiting.set(alert.incident, end)
      }
    },
    isReady: () => {
      if (underWay.size === 0) return waiting.size > 0
      for (const incident of waiting.keys()) if (!underWay.has(incident)) return true
      return false
    },
    isUnderWay: () => underWay.size > 0,
    size: () => waiting.size + underWay.size + ends.size,
    all: () => items().map(({ alert }) => alert),
    rest: () => {
      const all = items().map(({ alert }) => alert)
      waiting = new Map()
      underWay.clear()
      ends.clear()
      return all
    },
    since: () => {
      const first = items().reduce((least, { alert }) => Math.min(least, alert.at.epochMilliseconds), Infinity)
      return first === Infinity ? undefined : first
    }
  }
}

/** Whether an incident begins with it. */
export const isOpening = ({ status }: Alert): boolean => status === "opened" || status === "retrying"

/** A policy that still retries has failed since. */
const beginningOf = ({ status }: Alert) => (status === "retrying" ? "opened" : status)

/** Two alerts of one incident as one: the later one's state, and the failures of both. One that opens the incident still does. */
const merged = (before: Item, after: Item, isFirst: boolean): Item => ({
  alert: {
    ...after.alert,
    status: isFirst && !isOver(after.alert) ? beginningOf(before.alert) : after.alert.status,
    count: before.alert.count + after.alert.count
  },
  ids: [...before.ids, ...after.ids],
  isTried: before.isTried || after.isTried
})
