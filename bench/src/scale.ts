/** How costs grow: each thing at sizes from small to large. Nothing may grow faster than its size. */
import * as Alerter from "@redrive/alert/Alerter"
import * as Route from "@redrive/alert/Route"
import * as Failure from "@redrive/core/Failure"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Wire from "@redrive/core/Wire"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { table, write } from "./measure.ts"
import { type Curve, picture } from "./scale/curves.ts"

const rounds = 5

/** Measures one of the things: the nanoseconds of each of its units. */
type Measure = (size: number) => Promise<number>

interface Growing {
  readonly name: string
  readonly of: string
  readonly sizes: ReadonlyArray<number>
  readonly measure: Measure
}

/** Nanoseconds of one of `units`. */
const timed = async (units: number, run: () => unknown): Promise<number> => {
  const begun = performance.now()
  await run()
  return ((performance.now() - begun) * 1e6) / units
}

const powers = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, step) => 10 ** (from + step))

const none = { base: Duration.zero, cap: Duration.zero }
const quick = { retries: 1, quick: none, steady: none, slow: none }
const failure = { verdict: Verdict.transient("quick") }

/** A call for each key in turn, and at least a hundred thousand. */
const keyed =
  (policy: RetryPolicy.RetryPolicy): Measure =>
  (size) => {
    const runner = Retry.make(policy)
    const calls = Math.max(100_000, size)
    const keys = Array.from({ length: size }, (_, key) => `host-${key}.example`)
    const call = (_: unknown, n: number) => runner.run(Effect.void, { key: keys[n % size] })
    return timed(calls, () => Effect.runPromise(Effect.forEach(Array.from({ length: calls }), call, { discard: true })))
  }

/** Calls that have all begun before the first one ends. */
const concurrent: Measure = async (size) => {
  const runner = Retry.make(
    RetryPolicy.make({ breaker: {}, budget: "standard", attemptTimeout: "1 minute", deadline: "1 hour" })
  )
  const times = Math.max(1, Math.round(20_000 / size))
  const one = async () => {
    const gate = Promise.withResolvers<void>()
    const call = runner.run(Effect.promise(() => gate.promise))
    const fibers = Array.from({ length: size }, () => Effect.runFork(call))
    gate.resolve()
    await Effect.runPromise(Fiber.awaitAll(fibers))
  }
  return timed(size * times, async () => {
    for (let time = 0; time < times; time++) await one()
  })
}

const incidents: Measure = (size) => {
  const errors = Array.from({ length: size }, (_, n) =>
    Failure.withoutStack(() => Object.assign(new Error("down"), { name: `Kind${n}` }))
  )
  const failures = Math.max(20_000, size)
  const routes = Route.make([{ name: "all", sinks: ["a"], match: {}, groupWait: "10 minutes" }])
  const layer = Alerter.layerOf(
    { a: { send: () => Effect.void, batch: 1000 } },
    { routes, maxKeys: size, onLost: () => undefined }
  )
  const report = (_: unknown, n: number) => ErrorReporter.report(Cause.fail(errors[n % size]))
  const all = Effect.forEach(Array.from({ length: failures }), report, { discard: true })
  return Effect.runPromise(
    Effect.provide(
      Effect.promise(() => timed(failures, () => Effect.runPromise(all))),
      layer
    )
  ).then(() => Effect.runPromise(Effect.provide(timedIn(failures, all), layer)))
}

const timedIn = (units: number, effect: Effect.Effect<unknown>): Effect.Effect<number> =>
  Effect.gen(function* () {
    const begun = performance.now()
    yield* effect
    return ((performance.now() - begun) * 1e6) / units
  })

const item = (n: number) => ({
  url: `https://example.com/${n}`,
  ...(n % 3 === 0 && {
    error_code: "host_returned_error",
    page_status_code: 503,
    last_error: "503 Service Unavailable"
  })
})

const items: Measure = (size) => {
  const body = { id: "job", status: "done", job_items: Array.from({ length: size }, (_, n) => item(n)) }
  const times = Math.max(1, Math.round(10_000 / size))
  return timed(size * times, () => {
    for (let time = 0; time < times; time++) Wire.readJob(body)
  })
}

const observers: Measure = (size) => {
  const runner = Retry.make(RetryPolicy.make(quick))
  const all = Array.from({ length: size }, () => Observer.layer({ event: () => undefined }))
  const calls = 20_000
  const call = Effect.exit(runner.run(Effect.fail(failure)))
  const program = timedIn(
    calls,
    Effect.forEach(Array.from({ length: calls }), () => call, { discard: true })
  )
  return Effect.runPromise(all.length === 0 ? program : Effect.provide(program, Layer.mergeAll(Layer.empty, ...all)))
}

const depth: Measure = (size) => {
  let error = new Error("the first")
  for (let level = 1; level < size; level++) error = new Error(`level ${level}`, { cause: error })
  const times = 500
  return timed(times, () => {
    for (let time = 0; time < times; time++) Report.make(error)
  })
}

const growing: ReadonlyArray<Growing> = [
  {
    name: "a call, by keys of breakers",
    of: "keys",
    sizes: powers(1, 6),
    measure: keyed(RetryPolicy.make({ breaker: {} }))
  },
  {
    name: "a call, by keys of gates",
    of: "keys",
    sizes: powers(1, 6),
    measure: keyed(RetryPolicy.make({ parking: {} }))
  },
  { name: "a call, by calls at once", of: "calls", sizes: powers(0, 5), measure: concurrent },
  { name: "a failure, by open incidents", of: "incidents", sizes: powers(0, 5), measure: incidents },
  { name: "an item, by items of its job", of: "items", sizes: powers(0, 5), measure: items },
  { name: "a call given up, by observers", of: "observers", sizes: [0, 1, 2, 3, 4, 5], measure: observers },
  { name: "a report, by depth of causes", of: "causes", sizes: powers(0, 4), measure: depth }
]

const curves: Array<Curve> = []
for (const { measure, name, of, sizes } of growing) {
  const best = sizes.map(() => Infinity)
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`${name}: round ${round + 1} of ${rounds}\r`)
    for (const [index, size] of sizes.entries()) best[index] = Math.min(best[index] ?? Infinity, await measure(size))
  }
  curves.push({ name, of, points: sizes.map((size, index) => ({ size, nanos: best[index] ?? NaN })) })
}

const rows = curves.map(({ name, of, points }) => [
  name,
  points
    .map(({ size, nanos }) => `${size.toLocaleString("en-US")} ${of}: ${Math.round(nanos).toLocaleString("en-US")}`)
    .join("; ")
])
write(
  "scale.md",
  "How costs grow",
  `nanoseconds of one unit, the best of ${rounds} interleaved rounds.`,
  `${table(["what", "nanoseconds by size"], 2, rows)}\n\n![costs by size](scale.svg)`
)
writeFileSync(join(import.meta.dirname, "../results/scale.svg"), picture(curves))
