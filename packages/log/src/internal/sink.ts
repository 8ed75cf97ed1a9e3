import * as Effect from "effect/Effect"
import type { Stream } from "../Destination.ts"
import * as Format from "../Format.ts"

/** Where lines go. What it cannot take it drops, and counts. */
export interface Sink {
  /** Writes a line, or drops it and counts that, unless it is not one of the program's. Gives whether it was taken. Never throws. */
  readonly write: (line: string, isCounted?: boolean) => boolean
  /** Whether a line that is written now may arrive. */
  readonly isOpen: () => boolean
  /** How many lines were dropped since the beginning. */
  readonly dropped: () => number
  /** Ends when all is written that can be, and gives how many lines wait still, which is none unless it is interrupted. */
  readonly flush: Effect.Effect<void>
  /** How many lines were handed to the stream and are not known to be written. */
  readonly pending: () => number
}

/** A stream that is slower than its program may keep so many bytes; beyond, lines are dropped. */
const mostBuffered = 16_000_000

/** What a stream of Node.js has besides `write`. */
interface NodeStream {
  readonly on: (event: "error", listener: (error: unknown) => void) => unknown
  readonly write: (line: string, written: (error?: unknown) => void) => unknown
  readonly writableLength: number
  readonly destroyed: boolean
}

const isNodeStream = (stream: unknown): stream is NodeStream =>
  typeof stream === "object" && stream !== null && "on" in stream && "writableLength" in stream

/** One for each stream: loggers on one stream count together, and one listener is enough for it. */
const sinks = new WeakMap<Stream, Sink>()

export const of = (stream: Stream): Sink => {
  const known = sinks.get(stream)
  if (known !== undefined) return known
  const made = isNodeStream(stream) ? ofNode(stream) : ofAny(stream)
  sinks.set(stream, made)
  return made
}

/** Lines that were handed on, until it is known what became of them. */
const ledger = () => {
  let dropped = 0
  let pending = 0
  const waiting = new Set<() => void>()
  return {
    begin: () => {
      pending++
    },
    end: (isLost: boolean) => {
      pending--
      if (isLost) dropped++
      if (pending === 0) for (const done of waiting) done()
    },
    drop: () => {
      dropped++
    },
    dropped: () => dropped,
    pending: () => pending,
    flush: Effect.callback<void>((resume) => {
      const done = () => {
        waiting.delete(done)
        resume(Effect.void)
      }
      if (pending === 0) return done()
      waiting.add(done)
      return Effect.sync(() => void waiting.delete(done))
    })
  }
}

/** A function of the program's own may be an async one, and so many of its lines may wait. */
const mostPending = 10_000

const ofAny = (stream: Stream): Sink => {
  const { begin, drop, dropped, end, flush, pending } = ledger()
  const isOpen = () => pending() < mostPending
  return {
    write: (line, isCounted = true) => {
      if (!isOpen()) {
        if (isCounted) drop()
        return false
      }
      try {
        const result = stream.write(line)
        if (!(result instanceof Promise)) return true
        begin()
        result.then(
          () => end(false),
          () => end(isCounted)
        )
        return true
      } catch {
        if (isCounted) drop()
        return false
      }
    },
    isOpen,
    dropped,
    flush,
    pending
  }
}

const ofNode = (stream: NodeStream): Sink => {
  const { begin, drop, dropped, end, flush, pending } = ledger()
  // Without a listener the error of a stream, such as a reader that went away, ends the process.
  stream.on("error", () => undefined)
  const written = (error?: unknown) => end(error !== undefined && error !== null)
  const isOpen = () => !stream.destroyed && stream.writableLength <= mostBuffered
  return {
    write: (line, isCounted = true) => {
      if (!isOpen()) {
        if (isCounted) drop()
        return false
      }
      if (isCounted) begin()
      try {
        stream.write(line, isCounted ? written : () => undefined)
        return true
      } catch {
        if (isCounted) end(true)
        return false
      }
    },
    isOpen,
    dropped,
    flush,
    pending
  }
}

/** A format of the program's own may throw; its line is written all the same. */
export const lineOf = (format: Format.Format, record: Format.Record): string => {
  try {
    return `${format(record)}\n`
  } catch {
    return `${Format.json(record)}\n`
  }
}

export const lostOf = (count: number, date: Date): Format.Record => ({
  date,
  level: "Warn",
  message: `${count} log ${count === 1 ? "line was" : "lines were"} lost: their stream was slow, full or closed`,
  annotations: {},
  fields: { lost: count },
  reports: []
})
