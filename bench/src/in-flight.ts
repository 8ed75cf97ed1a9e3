/** What many calls take in memory that are under way at the same time. */
import * as Verdict from "@redrive/core/Verdict"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cockatiel from "cockatiel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { execFileSync } from "node:child_process"
import process from "node:process"
import { setImmediate } from "node:timers/promises"
import { parseArgs } from "node:util"
import { table, write } from "./measure.ts"

const calls = 100_000

const bulkhead = { concurrent: calls, queue: 0 }
const full = RetryPolicy.make({ budget: "standard", breaker: {}, bulkhead })
const bounded = RetryPolicy.make({ ...full, attemptTimeout: Duration.minutes(10), deadline: Duration.hours(1) })

/** Calls by promises, which end when the last one is told to. */
const promises =
  (runner: Retry.Runner): Start =>
  async () => {
    const ends: Array<() => void> = []
    const one = () => new Promise<void>((resolve) => ends.push(resolve))
    const started = Array.from({ length: calls }, () => runner.promise(one))
    return () => {
      for (const end of ends) end()
      return Promise.all(started)
    }
  }

const broke = { verdict: Verdict.parked("somebody tops up") }

/** Starts calls, and gives what ends them. */
type Start = () => Promise<() => Promise<unknown>>

const fibers =
  (effect: Effect.Effect<unknown, unknown>): Start =>
  async () => {
    const started = Array.from({ length: calls }, () => Effect.runFork(effect))
    return () => Effect.runPromise(Fiber.interruptAll(started))
  }

/** The least that a timeout takes here: Effect interrupts fibers, so what may be interrupted is one. */
const waiting = Effect.flatMap(Effect.forkDetach(Effect.never, { startImmediately: true }), Fiber.join)

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
  ["two bare fibers, one of which waits for the other", fibers(waiting)],
  ["Runner.promise: budget, breaker, bulkhead, timeout and deadline", promises(Retry.make(bounded))],
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

/** What is measured in a process of its own: what an earlier run leaves behind would count less or more in the next. */
interface Measured {
  readonly bytes: number
  readonly millis: number
}

/** What ends the calls keeps them until then. */
const kept: Array<() => Promise<unknown>> = []

const measure = async (start: Start): Promise<Measured> => {
  await settled()
  const before = process.memoryUsage().heapUsed
  const began = performance.now()
  kept.push(await start())
  const millis = performance.now() - began
  await settled()
  const bytes = (process.memoryUsage().heapUsed - before) / calls
  return { bytes, millis }
}

const { values: flags } = parseArgs({ options: { row: { type: "string" } } })
if (flags.row === undefined) {
  const rows = measured.map(([name], row) => {
    process.stderr.write(`${name}\n`)
    const args = ["--expose-gc", process.argv[1] ?? "", "--row", String(row)]
    const { bytes, millis }: Measured = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }))
    return [name, ((bytes * calls) / 1_000_000).toFixed(0), bytes.toFixed(0), millis.toFixed(0)]
  })
  write(
    "in-flight.md",
    "Calls in flight",
    `${calls.toLocaleString("en")} calls that have begun and not ended, after a collection; a process for each row.`,
    table(["what", "MB", "bytes a call", "ms to start"], 1, rows)
  )
} else {
  const [, start] = measured[Number(flags.row)] ?? []
  if (start === undefined) throw new Error(`--row is ${flags.row}; allowed: 0 to ${measured.length - 1}`)
  process.stdout.write(JSON.stringify(await measure(start)), () => process.exit())
}
