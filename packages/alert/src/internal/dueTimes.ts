/** Something that is due at a time. To move it, change `at` and add it again: the old entry no longer counts. */
export interface Due {
  at: number
}

interface Entry<D> {
  readonly at: number
  /** Of what is due at one time, what was added first is taken first. */
  readonly number: number
  readonly due: D
}

const isBefore = (one: Entry<unknown>, other: Entry<unknown>): boolean =>
  one.at < other.at || (one.at === other.at && one.number < other.number)

/** A heap of due times: the earliest is known at once, however many there are. */
export interface DueTimes<D extends Due> {
  readonly add: (due: D) => void
  /** The earliest time at which something is due, or `Infinity`. */
  readonly earliest: () => number
  /** Takes what is due first, if that is by a time. It is no longer due then: its `at` is `Infinity`. */
  readonly take: (now: number) => D | undefined
}

export const make = <D extends Due>(): DueTimes<D> => {
  let heap: Array<Entry<D>> = []
  let stale = 0
  let added = 0

  const up = (from: number, entry: Entry<D>) => {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (above === undefined || isBefore(above, entry)) break
      heap[index] = above
      index = parent
    }
    heap[index] = entry
  }

  const down = (entry: Entry<D>) => {
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const [one, other] = [heap[left], heap[left + 1]]
      if (one === undefined) break
      const [child, at] = other !== undefined && isBefore(other, one) ? [other, left + 1] : [one, left]
      if (isBefore(entry, child)) break
      heap[index] = child
      index = at
    }
    heap[index] = entry
  }

  const pop = () => {
    const [first] = heap
    const last = heap.pop()
    if (last !== undefined && heap.length > 0) down(last)
    return first
  }

  /** The first entry that is not stale. */
  const first = (): Entry<D> | undefined => {
    for (;;) {
      const [entry] = heap
      if (entry === undefined || entry.at === entry.due.at) return entry
      pop()
      stale--
    }
  }

  return {
    add: (due) => {
      if (due.at === Infinity) return
      // Each failure of an incident may move its time: what is stale must not outgrow the rest.
      if (++stale > heap.length / 2 + 64) {
        heap = heap
          .filter((entry) => entry.at === entry.due.at)
          .toSorted((one, other) => one.at - other.at || one.number - other.number)
        stale = 0
      }
      const entry = { at: due.at, number: added++, due }
      heap.push(entry)
      up(heap.length - 1, entry)
    },
    earliest: () => first()?.at ?? Infinity,
    take: (now) => {
      const entry = first()
      if (entry === undefined || entry.at > now) return undefined
      pop()
      entry.due.at = Infinity
      return entry.due
    }
  }
}
