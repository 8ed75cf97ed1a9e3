import * as Failure from "@redrive/core/Failure"
import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import { randomBytes } from "node:crypto"
import process from "node:process"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Adapter } from "../Conformance.ts"
import { eventsOf } from "./steps.ts"
import { within } from "./witness.ts"

/** Text that nothing else shares memory with, of no more characters than a report keeps. */
const text = (): string => randomBytes(900).toString("hex")

/** A stack adds nothing here but time. */
const errorOf = () => Failure.withoutStack(() => new Error(text()))

/** What a program does, and how many times it must do that to reach an adapter's bounds: bytes of lines, and failures that wait. */
type Act = readonly [what: string, filling: number, effect: Effect.Effect<void>]

const logs: Act = ["logs", 9500, Effect.suspend(() => Effect.logError(text()))]
const failures: Act = ["failures", 1600, Effect.suspend(() => ErrorReporter.report(Cause.fail(errorOf())))]
const events: Act = [
  "events",
  1200,
  Effect.suspend(() => {
    const error = errorOf()
    const two = eventsOf(error).filter(({ _tag }) => _tag === "AttemptFailed" || _tag === "GaveUp")
    return Effect.forEach(two, (event) => Observer.tell(() => event), { discard: true })
  })
]

const all: ReadonlyArray<Act> = [logs, failures, events]

/** Repeats an effect without yielding, as far as Effect lets it. */
const often = (effect: Effect.Effect<void>, count: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: count }), () => effect, { discard: true })

const round = 400

/** A round leaves 0.7 million bytes behind if each of its texts is kept. */
const limit = 400_000

/**
 * What an adapter hoards: memory that grows with every round, after all that is bounded is full. A collection takes longer than all else here,
 * so that acts are looked at together, and each only if they take memory.
 */
export const hoarded = (fresh: () => Adapter): Effect.Effect<ReadonlyArray<string>> =>
  Effect.suspend(() => hoardedBy(fresh()))

const hoardedBy = ({ layer, taken }: Adapter): Effect.Effect<ReadonlyArray<string>> =>
  within(
    Effect.gen(function* () {
      for (const [, filling, effect] of all) yield* often(effect, filling)
      if ((yield* growth(all, taken)) <= limit) return []
      const found: Array<string> = []
      for (const act of all) {
        const kept = yield* growth([act], taken)
        if (kept > limit) found.push(`${round} more ${act[0]} take ${(kept / 1e6).toFixed(1)} MB`)
      }
      return found
    }),
    layer
  )

/** The least memory that one of a few rounds takes: a buffer that fills, or another part of the process, may take some once. */
const growth = (acts: ReadonlyArray<Act>, taken: Adapter["taken"]): Effect.Effect<number> =>
  Effect.gen(function* () {
    // Weakly held memory may take a second collection; its rest would hide what is kept now.
    taken?.()
    heap()
    let before = heap()
    let least = Infinity
    for (let tries = 0; tries < 3 && least > limit; tries++) {
      for (const [, , effect] of acts) yield* Effect.andThen(Effect.yieldNow, often(effect, round))
      // Memory that the test itself keeps is not the adapter's.
      taken?.()
      const after = heap()
      least = Math.min(least, after - before)
      before = after
    }
    return least
  })

/** Node.js has it with a flag only, which may be set at any time. */
const collector = (): (() => void) => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  return typeof collect === "function" ? () => void collect() : () => undefined
}

let collect: (() => void) | undefined

/** The memory in use after a collection. */
const heap = (): number => {
  collect ??= collector()
  collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
