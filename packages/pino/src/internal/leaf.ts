import * as Effect from "effect/Effect"
import * as Stream from "./stream.ts"
import * as Waiting from "./waiting.ts"

/** One stream, with what is known of the lines that it was given. */
export interface Leaf {
  readonly takes: () => boolean
  readonly isFull: () => boolean
  /** Bytes that wait before a line is written, for `wrote`. */
  readonly bytes: () => number
  /** A line was written, before which so many bytes waited. */
  readonly wrote: (before: number) => void
  /** Ends when all is written, or when that will never be. */
  readonly flush: Effect.Effect<void>
  readonly refused: () => number
  readonly waiting: () => number
}

/** A stream that is slower than its program may keep so many bytes; pino itself does not ask. */
const mostBuffered = 16_000_000

export const make = (of: object, flush: Stream.Flush): Leaf => {
  const stream = Stream.of(of, flush)
  const { bytes, isOpen } = stream
  const waiting = stream.isSeen ? Waiting.seen() : Waiting.unseen()
  let refused = 0
  let errors = 0
  let isBroken = false
  const takes = () => !isBroken && isOpen()
  // A file with a `maxLength` says what it drops.
  listen(of, "drop", () => refused++)
  listen(of, "error", (error) => {
    errors++
    if (!stream.isSeen) refused++
    // A file whose reader has gone swallows all that comes; one that is full tries again.
    if (!isOpen() || (Stream.isObject(error) && error.code === "EPIPE")) isBroken = true
  })
  /** Of what broke nobody knows what it had written before: all that was not known to be counts. */
  const settle = () => {
    if (takes()) waiting.settle(bytes() + stream.beyond)
  }
  return {
    takes,
    isFull: () => bytes() > mostBuffered,
    bytes,
    wrote: (before) => {
      const more = bytes() - before
      if (more > 0 || !stream.isSeen) waiting.add(more)
      else if (!takes()) refused++
      settle()
    },
    flush: Effect.suspend(() => {
      const begun = errors
      const isHopeless = () => !takes() || errors > begun
      return emptied(stream, isHopeless, () => waiting.settle(0))
    }),
    refused: () => refused,
    waiting: () => {
      settle()
      return waiting.count()
    }
  }
}

/** How often a stream is looked at that says itself neither what waits nor when it does no more, in milliseconds. */
const glance = 5

/** Ends when a stream has written all, which is confirmed then, or when it never will. */
const emptied = ({ bytes, confirm, urge }: Stream.Stream, isHopeless: () => boolean, confirmed: () => void) =>
  Effect.callback<void>((resume) => {
    let cancel: (() => void) | undefined
    const end = (error?: unknown) => {
      if (error === undefined || error === null) confirmed()
      resume(Effect.void)
    }
    const look = () => {
      if (isHopeless()) resume(Effect.void)
      else if (bytes() > 0) {
        urge()
        const timer = setTimeout(look, glance)
        cancel = () => clearTimeout(timer)
      } else cancel = confirm(end)
    }
    look()
    return Effect.sync(() => cancel?.())
  })

/** The error of a stream or of a worker, such as a reader that went away, would end the process if nobody listened. */
const listen = (stream: object, event: string, told: (value: unknown) => void): void => {
  if ("on" in stream && typeof stream.on === "function") Reflect.apply(stream.on, stream, [event, told])
}
