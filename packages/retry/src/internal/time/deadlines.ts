import type { Time, Timer } from "./monotonic.ts"

/** Something that is due at a monotonic time, unless it is removed before. Its `index` is the heap's. */
export interface Entry {
  readonly at: number
  readonly due: () => void
  index: number
}

/** All entries due on one clock. A single timer waits for the earliest one. */
export interface Deadlines {
  readonly add: (entry: Entry) => void
  readonly remove: (entry: Entry) => void
}

/** Timers cannot wait for more than 2^31 - 1 milliseconds, some 25 days. */
const longest = 2_147_483_647

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
  let timer: Timer | undefined
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
    timer?.stop()
    timer = undefined
    wakesAt = Infinity
  }

  const arm = () => {
    const [first] = heap
    if (first === undefined) return stop()
    if (wakesAt <= first.at) {
      if (heap.length === 1) timer?.hold?.(true)
      return
    }
    stop()
    const now = time.now()
    const target = Math.min(first.at, now + longest)
    wakesAt = target
    timer = time.after(Math.max(0, target - now), () => wake(target))
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
    add: (entry) => {
      entry.index = heap.length
      heap.push(entry)
      rise(entry)
      arm()
    },
    remove: (entry) => {
      if (entry.index < 0) return
      take(entry)
      if (heap.length > 0) return
      // The next call mostly has a later deadline, for which the same timer serves. Until then it must not keep the process alive.
      if (timer?.hold === undefined) stop()
      else timer.hold(false)
    }
  }
}
