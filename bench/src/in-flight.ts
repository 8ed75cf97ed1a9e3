/** What many calls take in memory that are under way at the same time. */
import * as Verdict from "@redrive/core/Verdict"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cockatiel from "cockatiel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { setImmediate } from "node:timers/promises"
import process from "node:process"
import { table, write } from "./measure.ts"

const calls = 100_000

const bulkhead = { concurrent: calls, queue: 0 }
const full = RetryPolicy.make({ budget: "standard", breaker: {}, bulkhead })
const bounded = RetryPolicy.make({ ...full, attemptTimeout: Duration.minutes(10), deadline: Duration.hours(1) })

const broke = { verdict: Verdict.parked("somebody tops up") }

/** Starts calls, and gives what ends them. */
type Start = () => Promise<() => Promise<unknown>>

const fibers =
  (effect: Effect.Effect<unknown, unknown>): Start =>
  async () => {
    const started = Array.from({ length: calls }, () => Effect.runFork(effect))
    return () => Effect.runPromise(Fiber.interruptAll(started))
  }

const cockatiel =
  (policy: Cockatiel.IPolicy): Start =>
  async () => {
    const ends: Array<() => void> = []
    const one = () => new Promise<void>((resolve) => ends.push(resolve))
    const started = Array.from({ length: calls }, () => policy.execute(one))
    return () => {
      for (const end of ends) end()
      return Promise.all(started)
    }
  }

const breaker = () =>
  Cockatiel.circuitBreaker(Cockatiel.handleAll, {
    halfOpenAfter: 10_000,
    breaker: new Cockatiel.ConsecutiveBreaker(5)
  })
const cockatielFull = Cockatiel.wrap(
  Cockatiel.retry(Cockatiel.handleAll, { maxAttempts: 3 }),
  breaker(),
  Cockatiel.bulkhead(calls)
)

const measured: ReadonlyArray<readonly [string, Start]> = [
  ["bare fibers", fibers(Effect.never)],
  ["Retry.retry: budget, breaker, bulkhead", fibers(Retry.retry(Effect.never, full))],
  ["the same with timeout and deadline", fibers(Retry.retry(Effect.never, bounded))],
  ["waiting at the gate of a parked key", fibers(Retry.retry(Effect.fail(broke), RetryPolicy.make({ parking: {} })))],
  ["cockatiel: retry, breaker, bulkhead", cockatiel(cockatielFull)],
  [
    "the same with timeout",
    cockatiel(Cockatiel.wrap(cockatielFull, Cockatiel.timeout(600_000, Cockatiel.TimeoutStrategy.Aggressive)))
  ]
]

const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await setImmediate()
  globalThis.gc?.()
}

const rows: Array<ReadonlyArray<string>> = []
for (const [name, start] of measured) {
  await settled()
  const before = process.memoryUsage().heapUsed
  const began = process.hrtime.bigint()
  const end = await start()
  const millis = Number((process.hrtime.bigint() - began) / 1_000_000n)
  await settled()
  const taken = process.memoryUsage().heapUsed - before
  rows.push([name, (taken / 1_000_000).toFixed(0), (taken / calls).toFixed(0), String(millis)])
  await end()
}

write(
  "in-flight.md",
  "Calls in flight",
  `${calls.toLocaleString("en")} calls that have begun and not ended, after a collection.`,
  table(["what", "MB", "bytes a call", "ms to start"], 1, rows)
)
