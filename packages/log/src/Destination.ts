/**
 * Where log records go: a stream of lines, another logging library, or anything else that takes records.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import type * as Format from "./Format.ts"
import * as Sink from "./internal/sink.ts"

/**
 * A Node.js stream, or anything like one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stream {
  /** Whether the stream is a terminal: `auto` writes pretty lines there, with colors. Default: `false`. */
  readonly isTTY?: boolean | undefined
  /** The width of the terminal in columns; ignored unless `isTTY`. Default: lines are not folded. */
  readonly columns?: number | undefined
  /** Takes one line, with its line feed. If it throws or rejects, that line is lost and counted. No default. */
  readonly write: (line: string) => unknown
}

/**
 * Takes log records. `stream` makes one; an adapter for another logging library is one too.
 *
 * @category models
 * @since 0.1.0
 */
export interface Destination {
  /** Takes one record, synchronously. If it throws, that record is lost and no other. No default. */
  readonly write: (record: Format.Record) => void
  /** Says whether it wants records of a level; asked before a record is made. Default: it wants all. */
  readonly accepts?: ((level: LogLevel.LogLevel) => boolean) | undefined
  /** Ends when all records are written; `flushTimeout` bounds it. Default: ends at once. */
  readonly flush?: Effect.Effect<void> | undefined
  /** Returns the number of records that were lost since the start or are not yet written. Default: counts the writes that threw. */
  readonly lost?: (() => number) | undefined
}

/**
 * Writes a line to a stream for each record.
 *
 * Lines are dropped and counted, without an error, if the stream throws, fails, is closed, or buffers 16 MB that nobody reads. The next line
 * that the stream takes says how many. If the format throws, `Format.json` writes that record.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stream = (to: Stream, format: Format.Format): Destination => {
  const sink = Sink.of(to)
  let said = 0
  return {
    write: (record) => {
      const lost = sink.dropped() - said
      if (lost > 0 && sink.isOpen() && sink.write(Sink.lineOf(format, Sink.lostOf(lost, record.date)), false))
        said += lost
      sink.write(Sink.lineOf(format, record))
    },
    flush: sink.flush,
    lost: () => sink.dropped() + sink.pending()
  }
}
