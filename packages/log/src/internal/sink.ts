import * as Effect from "effect/Effect"
import type { Stream } from "../Destination.ts"
import * as Format from "../Format.ts"

/** Writes lines to a stream. It drops and counts lines that the stream cannot take. */
export interface Sink {
  /** Writes a line, or drops it; counts a dropped line of the program's. Returns whether it was taken. Never throws. */
  readonly write: (line: string, isCounted?: boolean) => boolean
  /** Whether a line that is written now may arrive. */
  readonly isOpen: () => boolean
  /** The number of lines that were dropped since the start. */
  readonly dropped: () => number
  /** Ends when all lines are written that can be, and returns how many still wait: none, unless it is interrupted. */
  readonly flush: Effect.Effect<void>
  /** The number of lines that the stream has and that are not known to be written. */
  readonly pending: () => number
}

/** The most bytes that a slow stream may buffer; beyond that, lines are dropped. */
const mostBuffered = 16_000_000

/** The parts of a Node.js stream that are used, besides `write`. */
interface NodeStream {
  readonly on: (event: "error", listener: (error: unknown) => void) => unknown
  readonly write: (line: string, written: (error?: unknown) => void) => unknown
  readonly writableLength: number
  readonly destroyed: boolean
}

const isNodeStream = (stream: unknown): stream is NodeStream =>
  typeof stream === "object" && stream !== null && "on" in stream && "writableLength" in stream

/** One sink for each stream, so that its loggers share one count and one listener. */
const sinks = new WeakMap<Stream, Sink>()

export const of = (stream: Stream): Sink => {
  const known = sinks.get(stream)
  if (known !== undefined) return known
  const made = isNodeStream(stream) ? ofNode(stream) : ofAny(stream)
  sinks.set(stream, made)
  return made
}

/** Lines that the stream has, until they are written or lost. */
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

/** The most lines that may wait for an async `write` function. */
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
  // Without a listener, a stream's error, such as a closed pipe, ends the process.
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

/** If the program's format throws, the line is written as JSON. */
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
