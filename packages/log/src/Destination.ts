/**
 * Where records of a log go: a stream of lines, another logging library, or anything else that takes them.
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
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly write: (line: string) => unknown
}

/**
 * `write` takes a record at once, and what it throws costs that record only. `accepts` says whether records of a level are wanted, before
 * one is made (all are). `flush` ends when all that was written is where it should be (at once). `lost` is how many records were lost
 * since the beginning, or wait still (those whose writing threw).
 *
 * @category models
 * @since 0.1.0
 */
export interface Destination {
  readonly write: (record: Format.Record) => void
  readonly accepts?: ((level: LogLevel.LogLevel) => boolean) | undefined
  readonly flush?: Effect.Effect<void> | undefined
  readonly lost?: (() => number) | undefined
}

/**
 * A stream that gets a line for each record.
 *
 * A stream that throws, fails, is closed, or keeps 16 MB that nobody reads costs lines and nothing else; the next line that may arrive says
 * how many. A format that throws is replaced by `Format.json`, for that record.
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
