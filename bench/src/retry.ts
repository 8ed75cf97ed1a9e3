/**
 * What a retry costs: the bare effect, Effect's own schedule, and Redrive's policy, on a success and on one retry without a wait.
 */
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { report, type Task } from "./measure.ts"

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
const task = (path: string, name: string, effect: Effect.Effect<unknown, unknown>): Task => {
  const program = Effect.ignore(Effect.forEach(Array.from({ length: calls }), () => effect, { discard: true }))
  return { path, name, times: calls, run: () => Effect.runPromise(program) }
}

const twice = flaky()
await report("retry.md", "What a retry costs", [
  task("success", "bare effect", success),
  task("success", "Effect.retry", Effect.retry(success, schedule)),
  task("success", "Retry.retry", Retry.retry(success, policy)),
  task("success", "Retry.retry, timeout and deadline", Retry.retry(success, bounded)),
  task(
    "one retry",
    "bare effect, caught by hand",
    Effect.catch(twice, () => twice)
  ),
  task("one retry", "Effect.retry", Effect.retry(flaky(), schedule)),
  task("one retry", "Retry.retry", Retry.retry(flaky(), policy))
])
