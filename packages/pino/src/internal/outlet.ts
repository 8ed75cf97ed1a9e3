import * as Effect from "effect/Effect"
import * as Leaf from "./leaf.ts"
import * as Stream from "./stream.ts"

/** Where the lines of a pino go: it knows how many got no further. */
export interface Outlet {
  /** Runs what writes one line, unless there is no room for it. What it throws is thrown on. */
  readonly write: (line: () => void) => void
  /** Ends when all is written, or when that will never be. */
  readonly flush: Effect.Effect<void>
  /** Lines that were refused, by us or by the stream, since the beginning. */
  readonly refused: () => number
  /** Lines that were handed over and are not known to be written. */
  readonly waiting: () => number
}

/** One for each stream, so that it has one listener however many loggers write to it. */
const leaves = new WeakMap<object, Leaf.Leaf>()

const leafOf = (stream: object, flush: Stream.Flush): Leaf.Leaf => {
  const known = leaves.get(stream)
  if (known !== undefined) return known
  const made = Leaf.make(stream, flush)
  leaves.set(stream, made)
  return made
}

/** The outlet of what a pino writes to; `flush` is pino's own. */
export const of = (to: object, flush: Stream.Flush): Outlet => {
  // Streams can be added to several.
  if (isMany(to)) return outletOf(() => to.streams.map(({ stream }) => leafOf(stream, flushOf(stream))))
  const only = [leafOf(to, flush)]
  return outletOf(() => only)
}

/** What `pino.multistream` makes: it has no flush of its own. */
const isMany = (to: object): to is { readonly streams: ReadonlyArray<{ readonly stream: object }> } =>
  "streams" in to &&
  Array.isArray(to.streams) &&
  to.streams.every((entry: unknown) => Stream.isObject(entry) && Stream.isObject(entry.stream))

const flushOf =
  (stream: object): Stream.Flush =>
  (done) => {
    if ("flush" in stream && typeof stream.flush === "function") Reflect.apply(stream.flush, stream, [done])
    else done()
  }

/** Of several streams each gets every line; where one has no room none gets it, since pino writes to all or to none. */
const outletOf = (leaves: () => ReadonlyArray<Leaf.Leaf>): Outlet => {
  const sum = (count: (leaf: Leaf.Leaf) => number) => leaves().reduce((all, leaf) => all + count(leaf), 0)
  const refusedBefore = sum(({ refused }) => refused())
  let refused = 0
  return {
    write: (line) => {
      const all = leaves()
      if (all.some(({ isFull }) => isFull()) || !all.some(({ takes }) => takes())) {
        refused++
        return
      }
      const before = all.map(({ bytes }) => bytes())
      line()
      all.forEach(({ wrote }, index) => wrote(before[index] ?? 0))
    },
    flush: Effect.suspend(() =>
      Effect.forEach(leaves(), ({ flush }) => flush, { concurrency: "unbounded", discard: true })
    ),
    refused: () => refused + sum((leaf) => leaf.refused()) - refusedBefore,
    waiting: () => sum((leaf) => leaf.waiting())
  }
}
