/**
 * Records the story of the page that a fiber works on. The retry engine says what followed each attempt, and whoever holds a page back says for how long.
 */
import * as Observer from "@redrive/core/Observer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Attempt, Story, Why } from "./Story.ts"

/** What a failed attempt says of itself. */
export interface Failed extends Pick<Attempt, "code" | "detail" | "status"> {
  /** Whether nothing was asked for. */
  readonly isHeld: boolean
  /** Why the page would wait. */
  readonly why: Why
}

/** Of one page, while it is worked on. */
export interface Recorder {
  /** Reads a failure of the engine's. */
  readonly read: (error: unknown) => Failed
  /** Called with the story whenever the page begins to wait. */
  readonly onWait: (story: Story, nextAt: number) => void
  readonly attempts: Array<Attempt>
  /** Since when the attempt under way is one. A page that waits for its host, or for its turn there, has not been asked for. */
  begun: number
  /** Whether the attempt under way has asked for anything. */
  hasAsked: boolean
}

export const make = (read: Recorder["read"], onWait: Recorder["onWait"]): Recorder => ({
  read,
  onWait,
  attempts: [],
  begun: 0,
  hasAsked: false
})

/** The recorder of the page that a fiber works on. Default: none. */
export const Current = Context.Reference<Recorder | undefined>("@redrive/crawler/watch/Recorder", {
  defaultValue: () => undefined
})

const onCurrent = (change: (recorder: Recorder, now: number) => void) =>
  Effect.flatMap(Current, (recorder) =>
    recorder === undefined ? Effect.void : Effect.map(Clock.currentTimeMillis, (now) => change(recorder, now))
  )

/** Begins an attempt. */
export const begin = onCurrent((recorder, now) => {
  recorder.begun = now
  recorder.hasAsked = false
})

/** Records that it is the page's turn at a host. Redirects take further turns of the same attempt. */
export const asking = onCurrent((recorder, now) => {
  if (!recorder.hasAsked) recorder.begun = now
  recorder.hasAsked = true
})

/** Records that a page is held back while an effect waits. */
export const holding = <A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Current, (recorder) => {
    if (recorder === undefined) return wait
    return Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      return yield* Effect.ensuring(
        wait,
        Effect.map(Clock.currentTimeMillis, (now) => {
          if (now > at) recorder.attempts.push({ at, ms: now - at, end: "held" })
          recorder.begun = now
        })
      )
    })
  })

/** Records that the page was read. A page that was read at once has no story. */
export const succeed = (recorder: Recorder, now: number): Story => {
  const { attempts, begun } = recorder
  if (attempts.length > 0) attempts.push({ at: begun, ms: now - begun, end: "ok" })
  return attempts
}

/** Hears what the engine says of each page. */
export const layer: Layer.Layer<never> = Observer.layer({
  event: (event, fiber) => {
    if (event._tag !== "AttemptFailed" && event._tag !== "RetryScheduled") return
    const recorder = fiber.getRef(Current)
    if (recorder === undefined) return
    const { isHeld, why, ...facts } = recorder.read(event.error)
    const { attempts, begun } = recorder
    const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    if (event._tag === "AttemptFailed") {
      attempts.push({ at: begun, ms: now - begun, end: isHeld ? "held" : "failed", ...facts })
      return
    }
    const last = attempts.pop()
    if (last === undefined) return
    const ms = Duration.toMillis(event.delay)
    attempts.push({ ...last, wait: { ms, why } })
    // A delay has parts of a millisecond, which one database would keep and another one round.
    recorder.onWait([...attempts], Math.ceil(now + ms))
  }
})
