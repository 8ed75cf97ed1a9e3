import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Time } from "./monotonic.ts"

/** Something that is due at a monotonic time, unless it is removed before. */
export interface Entry {
  readonly at: number
  readonly due: () => void
  index: number
}

/** All entries due on one clock. A single timer waits for the earliest one. */
export interface Deadlines {
  readonly add: (at: number, due: () => void) => Entry
  readonly remove: (entry: Entry) => void
}

const known = new WeakMap<Time, Deadlines>()

export const of = (time: Time): Deadlines => {
  const found = known.get(time)
  if (found !== undefined) return found
  const made = make(time)
  known.set(time, made)
  return made
}

const make = (time: Time): Deadlines => {
  // A binary heap: the parent of `index` is at half of `index`, and never due later.
  const heap: Array<Entry> = []
  let timer: Fiber.Fiber<void> | undefined
  let wakesAt = Infinity

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

  const arm = () => {
    const [first] = heap
    if (first === undefined) return stop()
    if (wakesAt <= first.at) return
    stop()
    wakesAt = first.at
    const rest = Duration.millis(Math.max(0, first.at - time.now()))
    timer = Effect.runFork(
      Effect.andThen(
        time.clock.sleep(rest),
        Effect.sync(() => wake(first.at))
      )
    )
  }

  const wake = (target: number) => {
    timer = undefined
    wakesAt = Infinity
    // A timer may fire a fraction of a millisecond early; its entry counts as due.
    const now = Math.max(target, time.now())
    for (let first = heap[0]; first !== undefined && first.at <= now; first = heap[0]) {
      take(first)
      first.due()
    }
    arm()
  }

  return {
    add: (at, due) => {
      const entry = { at, due, index: heap.length }
      heap.push(entry)
      rise(entry)
      arm()
      return entry
    },
    remove: (entry) => {
      if (entry.index < 0) return
      take(entry)
      // The timer keeps running while entries are left. With none, it would keep the process alive.
      if (heap.length === 0) stop()
    }
  }
}
