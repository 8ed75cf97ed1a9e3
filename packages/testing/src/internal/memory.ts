import * as Failure from "@redrive/core/Failure"
import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import type * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import process from "node:process"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { eventsOf } from "./steps.ts"
import { within } from "./witness.ts"

/** Text that nothing else shares memory with, of no more characters than a report keeps. */
const text = (): string => randomBytes(900).toString("hex")

/** A stack adds nothing here but time. */
const errorOf = () => Failure.withoutStack(() => new Error(text()))

/** What a program does, and how often fills what an adapter bounds: bytes of lines, and failures that wait. */
type Act = readonly [what: string, filling: number, effect: Effect.Effect<void>]

const acts: ReadonlyArray<Act> = [
  ["logs", 9500, Effect.suspend(() => Effect.logError(text()))],
  ["failures", 1100, Effect.suspend(() => ErrorReporter.report(Cause.fail(errorOf())))],
  [
    "events",
    1100,
    Effect.suspend(() => {
      const error = errorOf()
      const events = eventsOf(error).filter(({ _tag }) => _tag === "AttemptFailed" || _tag === "GaveUp")
      return Effect.forEach(events, (event) => Observer.tell(() => event), { discard: true })
    })
  ]
]

/** Does something so often, and lets others have their turn; ends with as much at once as at any time before. */
const often = (effect: Effect.Effect<void>, count: number): Effect.Effect<void> =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) => (n % 250 === 0 ? Effect.andThen(Effect.yieldNow, effect) : effect),
    { discard: true }
  )

const round = 400

/** A round leaves 0.7 million bytes behind if each of its texts is kept. */
const limit = 400_000

/** What an adapter hoards: memory that grows with every round, after all that is bounded is full. */
export const hoarded = (adapter: Layer.Layer<never>): Effect.Effect<ReadonlyArray<string>> =>
  within(
    Effect.gen(function* () {
      const found: Array<string> = []
      for (const [what, filling, effect] of acts) {
        yield* often(effect, filling)
        const taken = yield* growth(effect)
        if (taken > limit) found.push(`${round} more ${what} take ${(taken / 1e6).toFixed(1)} MB`)
      }
      return found
    }),
    adapter
  )

/** What a round takes at least, of a few: a buffer that fills again, or something else in the process, may take some once. */
const growth = (effect: Effect.Effect<void>): Effect.Effect<number> =>
  Effect.gen(function* () {
    let least = Infinity
    for (let tries = 0; tries < 3 && least > limit; tries++) {
      const before = heap()
      yield* often(effect, round)
      least = Math.min(least, heap() - before)
    }
    return least
  })

/** What is in use after a collection. */
const heap = (): number => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  // What only weak references kept may take a second one.
  for (let times = 0; times < 2; times++) if (typeof collect === "function") collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
