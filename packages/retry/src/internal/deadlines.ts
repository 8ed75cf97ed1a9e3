import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** What is to happen at a time, in epoch milliseconds, unless it is removed before. */
export interface Entry {
  at: number
  readonly due: () => void
  index: number
}

/** Everything that is due by one clock. However much it is, one timer waits, for what is due first. */
export interface Deadlines {
  readonly add: (at: number, due: () => void) => Entry
  readonly remove: (entry: Entry) => void
}

/** What was waited for is due, whatever fraction of a millisecond the clock is behind. */
const lag = 1

const known = new WeakMap<Clock.Clock, Deadlines>()

export const of = (clock: Clock.Clock): Deadlines => {
  const found = known.get(clock)
  if (found !== undefined) return found
  const made = make(clock)
  known.set(clock, made)
  return made
}

const make = (clock: Clock.Clock): Deadlines => {
  // A binary heap: the parent of `index` is at half of it, and never due later.
  const heap: Array<Entry> = []
  let timer: Fiber.Fiber<void> | undefined
  let wakesAt = Infinity
  let latest = -Infinity

  const put = (entry: Entry, index: number) => {
    heap[index] = entry
    entry.index = index
  }

  const rise = (entry: Entry) => {
    let { index } = entry
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || parent.at <= entry.at) break
      put(parent, index)
      index = above
    }
    put(entry, index)
  }

  const sink = (entry: Entry) => {
    let { index } = entry
    for (;;) {
      const left = 2 * index + 1
      const right = heap[left + 1]
      const least = right !== undefined && right.at < (heap[left]?.at ?? Infinity) ? right : heap[left]
      if (least === undefined || least.at >= entry.at) break
      const below = least.index
      put(least, index)
      index = below
    }
    put(entry, index)
  }

  const take = (entry: Entry) => {
    const last = heap.pop()
    const { index } = entry
    entry.index = -1
    if (last === undefined || last === entry) return
    put(last, index)
    rise(last)
    sink(last)
  }

  const stop = () => {
    timer?.interruptUnsafe()
    timer = undefined
    wakesAt = Infinity
  }

  /** What the clock says. If it was set back, what is due comes no later for it. */
  const read = (): number => {
    const now = clock.currentTimeMillisUnsafe()
    if (now < latest - lag) for (const entry of heap) entry.at -= latest - now
    latest = now
    return now
  }

  const arm = () => {
    const now = read()
    const [first] = heap
    if (first === undefined) return stop()
    if (wakesAt <= first.at) return
    stop()
    wakesAt = first.at
    const rest = Duration.millis(Math.max(0, first.at - now))
    timer = Effect.runFork(
      Effect.andThen(
        clock.sleep(rest),
        Effect.sync(() => wake(first.at))
      )
    )
  }

  const wake = (target: number) => {
    timer = undefined
    wakesAt = Infinity
    latest = Math.max(latest, target)
    const said = read()
    const now = target - said <= lag ? Math.max(target, said) : said
    for (let first = heap[0]; first !== undefined && first.at <= now; first = heap[0]) {
      take(first)
      first.due()
    }
    arm()
  }

  return {
    add: (at, due) => {
      read()
      const entry = { at, due, index: heap.length }
      heap.push(entry)
      rise(entry)
      arm()
      return entry
    },
    remove: (entry) => {
      if (entry.index < 0) return
      take(entry)
      // A timer for what is gone waits on for the others, but not for nobody: it would keep the process.
      if (heap.length === 0) stop()
    }
  }
}
