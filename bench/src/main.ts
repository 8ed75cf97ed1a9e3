/**
 * What a retry costs: the bare effect, Effect's own schedule, and Redrive's policy, on a success and on one retry without a wait.
 *
 * Tasks run interleaved in rounds; a task's figure is the median of its rounds, and ratios are to the bare effect of the same path.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { Bench } from "tinybench"

const rounds = 9
const calls = 1000

const none = { base: Duration.zero, cap: Duration.zero }
const policy = RetryPolicy.make({ retries: 3, quick: none, steady: none, slow: none })
const bounded = RetryPolicy.make({ ...policy, attemptTimeout: Duration.seconds(10), deadline: Duration.minutes(1) })
const schedule = Schedule.max([Schedule.spaced(Duration.zero), Schedule.recurs(3)])

const failure = { verdict: Verdict.transient("quick") }
const success = Effect.succeed(1)

/** Fails on every other call, so that each run of it under a policy is one failure and one success. */
const flaky = () => {
  let calls = 0
  return Effect.suspend(() => (++calls % 2 === 1 ? Effect.fail(failure) : success))
}

/** Many calls in one fiber, so that starting the fiber does not count. */
const repeated = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.ignore(Effect.forEach(Array.from({ length: calls }), () => effect, { discard: true }))

interface Task {
  readonly path: string
  readonly name: string
  readonly effect: Effect.Effect<unknown, unknown>
}

const twice = flaky()
const tasks: ReadonlyArray<Task> = [
  { path: "success", name: "bare effect", effect: success },
  { path: "success", name: "Effect.retry", effect: Effect.retry(success, schedule) },
  { path: "success", name: "Retry.retry", effect: Retry.retry(success, policy) },
  { path: "success", name: "Retry.retry, timeout and deadline", effect: Retry.retry(success, bounded) },
  { path: "one retry", name: "bare effect, caught by hand", effect: Effect.catch(twice, () => twice) },
  { path: "one retry", name: "Effect.retry", effect: Effect.retry(flaky(), schedule) },
  { path: "one retry", name: "Retry.retry", effect: Retry.retry(flaky(), policy) }
]

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

const measured = tasks.map(() => Array<number>())
for (let round = 0; round < rounds; round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\r`)
  for (const [index, { effect, name }] of tasks.entries()) {
    const program = repeated(effect)
    const bench = new Bench({ time: 100, warmupTime: 50 }).add(name, () => Effect.runPromise(program))
    const [task] = await bench.run()
    if (task?.result.state !== "completed") throw new Error(`${name} did not complete`)
    measured[index]?.push((task.result.latency.p50 / calls) * 1_000_000)
  }
}

const rows = tasks.map(({ name, path }, index) => {
  const base = tasks.findIndex((other) => other.path === path)
  const nanos = median(measured[index] ?? [])
  const ratio = nanos / median(measured[base] ?? [])
  return `| ${path} | ${name} | ${Math.round(nanos)} | ${ratio.toFixed(1)} |`
})

const report = [
  "# What a retry costs",
  "",
  `Node.js ${process.version}, ${process.platform} ${process.arch}, ${new Date().toISOString().slice(0, 10)}; ${rounds} interleaved rounds, medians.`,
  "",
  "| path | what | ns per call | ratio to bare |",
  "| --- | --- | ---: | ---: |",
  ...rows,
  ""
].join("\n")

writeFileSync(join(import.meta.dirname, "../results/retry.md"), report)
console.log(report)
