import * as Heap from "./heap.ts"
import type { Time, Timer } from "./monotonic.ts"

/** Something that is due at a monotonic time, unless it is removed before. */
export interface Entry extends Heap.Placed {
  readonly due: () => void
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
  const heap = Heap.make<Entry>()
  let timer: Timer | undefined
  let wakesAt = Infinity

  const stop = () => {
    timer?.stop()
    timer = undefined
    wakesAt = Infinity
  }

  const arm = () => {
    const first = heap.first()
    if (first === undefined) return stop()
    if (wakesAt <= first.at) {
      if (heap.size() === 1) timer?.hold?.(true)
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
    for (let first = heap.first(); first !== undefined && first.at <= now; first = heap.first()) {
      heap.take(first)
      first.due()
    }
    arm()
  }

  return {
    add: (entry) => {
      heap.add(entry)
      arm()
    },
    remove: (entry) => {
      if (entry.index < 0) return
      heap.take(entry)
      if (heap.size() > 0) return
      // The next call mostly has a later deadline, for which the same timer serves. Until then it must not keep the process alive.
      if (timer?.hold === undefined) stop()
      else timer.hold(false)
    }
  }
}
