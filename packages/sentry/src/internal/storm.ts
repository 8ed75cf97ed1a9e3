import type { Captured } from "./event.ts"

/** One event of a class, and what was left out of the class since. */
interface Count {
  readonly captured: Captured
  readonly sentAt: number
  lastAt: number
  leftOut: number
}

/**
 * Sends one event of a class in each minute, of failures that one fault may make thousands of in a second. The next event says how many were
 * left out before it. Times are epoch milliseconds.
 */
export interface Storm {
  /** The events that are to be sent now that another failure of a class is there; makes its event only if that is one of them. */
  readonly take: (of: string, now: number, capture: () => Captured | undefined) => ReadonlyArray<Captured>
  /** The events that say how many were left out, of all classes of which no later event does. */
  readonly rest: () => ReadonlyArray<Captured>
}

const window = 60_000

/** No more classes are told apart; those of which an event was sent first are forgotten first. */
const most = 1000

export const make = (): Storm => {
  const counts = new Map<string, Count>()
  const rest = (some: Iterable<readonly [string, Count]>) => {
    const events: Array<Captured> = []
    for (const [of, { captured, lastAt, leftOut }] of some) {
      counts.delete(of)
      // The event stands for the last of them.
      if (leftOut > 0) events.push(telling(captured, leftOut - 1, lastAt))
    }
    return events
  }
  return {
    take: (of, now, capture) => {
      const known = counts.get(of)
      if (known !== undefined && now < known.sentAt + window) {
        known.leftOut++
        known.lastAt = now
        return []
      }
      const captured = capture()
      if (captured === undefined) return []
      counts.delete(of)
      const forgotten = counts.size < most ? [] : rest([...counts].slice(0, 1))
      counts.set(of, { captured, sentAt: now, lastAt: now, leftOut: 0 })
      return [...forgotten, telling(captured, known?.leftOut ?? 0, now)]
    },
    rest: () => rest([...counts])
  }
}

/** An event that also says how many of its class were left out before it. */
const telling = (captured: Captured, leftOut: number, at: number): Captured => {
  const { event } = captured
  const failure = { ...event.contexts?.["failure"], ...(leftOut > 0 && { suppressed: leftOut }) }
  return { ...captured, event: { ...event, timestamp: at / 1000, contexts: { ...event.contexts, failure } } }
}
