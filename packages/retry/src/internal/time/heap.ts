/** Something that is due at a time. Its `index` is the heap's. */
export interface Placed {
  readonly at: number
  index: number
}

/** What is due, whose earliest is known at once, and of which any may be taken. */
export interface Heap<P extends Placed> {
  readonly size: () => number
  readonly first: () => P | undefined
  readonly add: (entry: P) => void
  /** Takes an entry that is in the heap. Its index is -1 then. */
  readonly take: (entry: P) => void
}

/** A binary heap: the parent of `index` is at half of `index`, and never due later. */
export const make = <P extends Placed>(): Heap<P> => {
  const heap: Array<P> = []

  const put = (entry: P, index: number) => {
    heap[index] = entry
    entry.index = index
  }

  const rise = (entry: P) => {
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

  const sink = (entry: P) => {
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

  const take = (entry: P) => {
    const last = heap.pop()
    const { index } = entry
    entry.index = -1
    if (last === undefined || last === entry) return
    put(last, index)
    rise(last)
    sink(last)
  }

  return {
    size: () => heap.length,
    first: () => heap[0],
    add: (entry) => {
      entry.index = heap.length
      heap.push(entry)
      rise(entry)
    },
    take
  }
}
