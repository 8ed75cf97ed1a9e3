/** What a policy costs around a call that ends at once, which is the worst case for it: next to the bare call, Effect's parts, and peers. */
import * as Verdict from "@redrive/core/Verdict"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cockatiel from "cockatiel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import CircuitBreaker from "opossum"
import pRetry from "p-retry"
import { report, type Task } from "./measure.ts"

const calls = 1000

const none = { base: Duration.zero, cap: Duration.zero }
const policy = RetryPolicy.make({ retries: 3, quick: none, steady: none, slow: none })
const shared = { budget: "standard", breaker: {}, bulkhead: { concurrent: 10, queue: 10 } } as const
const full = RetryPolicy.make({ ...policy, ...shared })
const bounded = RetryPolicy.make({ ...full, attemptTimeout: Duration.seconds(10), deadline: Duration.minutes(1) })
const schedule = Schedule.max([Schedule.spaced(Duration.zero), Schedule.recurs(3)])

const failure = { verdict: Verdict.transient("quick") }
const success = Effect.sync(() => 1)
const answer = async () => 1

/** Fails on every other call, so that each run of it under a policy is one failure and one success. */
const flaky = () => {
  let calls = 0
  return Effect.suspend(() => (++calls % 2 === 1 ? Effect.fail(failure) : success))
}

const flakyAnswer = () => {
  let calls = 0
  return async () => {
    if (++calls % 2 === 1) throw new Error("x")
    return 1
  }
}

/** Many calls in one fiber, so that starting the fiber does not count. */
const inFiber = (path: string, name: string, effect: Effect.Effect<unknown, unknown>): Task => {
  const program = Effect.forEach(Array.from({ length: calls }), () => Effect.exit(effect), { discard: true })
  return { path, name, times: calls, bytes: true, run: () => Effect.runPromise(program) }
}

/** Many calls, one after the other. */
const awaited = (path: string, name: string, call: () => Promise<unknown>, times = calls): Task => ({
  path,
  name,
  times,
  bytes: true,
  run: async () => {
    for (let n = 0; n < times; n++) await call().catch(() => undefined)
  }
})

/** Many calls, with a runtime for each, as those have it who do not write the rest with Effect. */
const promised = (path: string, effect: Effect.Effect<unknown, unknown>): Task =>
  awaited(path, "Retry.retry, a runtime each", () => Effect.runPromise(effect))

/** Many calls, whose attempts are promises: no runtime, and no fiber while nothing fails. */
const byPromises = (path: string, runner: Retry.Runner, attempt: () => Promise<unknown> = answer): Task =>
  awaited(path, "Runner.promise", () => runner.promise(attempt))

const cockatielRetry = Cockatiel.retry(Cockatiel.handleAll, {
  maxAttempts: 3,
  backoff: new Cockatiel.ConstantBackoff(0)
})
const cockatielBreaker = () =>
  Cockatiel.circuitBreaker(Cockatiel.handleAll, {
    halfOpenAfter: 1_000_000_000,
    breaker: new Cockatiel.ConsecutiveBreaker(1)
  })
const cockatielFull = Cockatiel.wrap(
  cockatielRetry,
  Cockatiel.circuitBreaker(Cockatiel.handleAll, {
    halfOpenAfter: 10_000,
    breaker: new Cockatiel.ConsecutiveBreaker(5)
  }),
  Cockatiel.bulkhead(10, 10)
)
const cockatielBounded = Cockatiel.wrap(cockatielFull, Cockatiel.timeout(10_000, Cockatiel.TimeoutStrategy.Aggressive))
const cockatielOpen = cockatielBreaker()
await cockatielOpen.execute(() => Promise.reject(new Error("x"))).catch(() => undefined)

const opossumBounded = new CircuitBreaker(answer, { timeout: 10_000, capacity: 10 })
const opossumOpen = new CircuitBreaker(answer, { timeout: false, resetTimeout: 1_000_000_000 })
opossumOpen.open()

const isolated = Retry.make(full)
isolated.breaker()?.isolate()

/** Starts calls that never end, and interrupts each; in a fiber of its own, as a service's request is. */
const cancelled = (path: string, name: string, effect: Effect.Effect<unknown, unknown>): Task => {
  const one = Effect.flatMap(Effect.forkChild(effect, { startImmediately: true }), Fiber.interrupt)
  const program = Effect.forEach(Array.from({ length: calls }), () => one, { discard: true })
  return { path, name, times: calls, bytes: true, run: () => Effect.runPromise(program) }
}

/** The same with a signal. */
const aborted = (path: string, name: string, call: (signal: AbortSignal) => Promise<unknown>): Task =>
  awaited(path, name, async () => {
    const controller = new AbortController()
    const ended = call(controller.signal).catch(() => undefined)
    controller.abort()
    await ended
  })

/** Never ends by itself. */
const hanging = (signal: AbortSignal): Promise<unknown> =>
  // eslint-disable-next-line promise/avoid-new -- nothing else hangs until a signal
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))))

const quick = { retries: 3, minTimeout: 0, maxTimeout: 0 }
const twice = flaky()
const cockatielFlaky = flakyAnswer()
const pRetryFlaky = flakyAnswer()

await report("retry.md", "What a policy costs", [
  inFiber("success, retry only", "bare effect", success),
  inFiber("success, retry only", "Retry.retry", Retry.retry(success, policy)),
  inFiber("success, retry only", "Effect.retry", Effect.retry(success, schedule)),
  awaited("success, retry only, promises", "bare promise", answer),
  promised("success, retry only, promises", Retry.retry(success, policy)),
  byPromises("success, retry only, promises", Retry.make(policy)),
  awaited("success, retry only, promises", "cockatiel", () => cockatielRetry.execute(answer)),
  awaited("success, retry only, promises", "p-retry", () => pRetry(answer, quick)),
  inFiber("success, budget, breaker, bulkhead", "bare effect", success),
  inFiber("success, budget, breaker, bulkhead", "Retry.retry", Retry.retry(success, full)),
  promised("success, budget, breaker, bulkhead", Retry.retry(success, full)),
  byPromises("success, budget, breaker, bulkhead", Retry.make(full)),
  awaited("success, budget, breaker, bulkhead", "cockatiel, without budget", () => cockatielFull.execute(answer)),
  inFiber("the same with timeout and deadline", "bare effect", success),
  inFiber("the same with timeout and deadline", "Retry.retry", Retry.retry(success, bounded)),
  promised("the same with timeout and deadline", Retry.retry(success, bounded)),
  byPromises("the same with timeout and deadline", Retry.make(bounded)),
  awaited("the same with timeout and deadline", "cockatiel, without budget and deadline", () =>
    cockatielBounded.execute(answer)
  ),
  awaited("the same with timeout and deadline", "opossum and p-retry, without budget and deadline", () =>
    pRetry(() => opossumBounded.fire(), quick)
  ),
  inFiber(
    "one retry without a wait",
    "bare effect, caught by hand",
    Effect.catch(twice, () => twice)
  ),
  inFiber("one retry without a wait", "Retry.retry", Retry.retry(flaky(), policy)),
  promised("one retry without a wait", Retry.retry(flaky(), policy)),
  byPromises("one retry without a wait", Retry.make(policy), flakyAnswer()),
  inFiber("one retry without a wait", "Effect.retry", Effect.retry(flaky(), schedule)),
  awaited(
    "one retry without a wait",
    "cockatiel, which waits a timer",
    () => cockatielRetry.execute(cockatielFlaky),
    3
  ),
  awaited("one retry without a wait", "p-retry", () => pRetry(pRetryFlaky, quick), 3),
  inFiber("rejected by an open breaker", "bare failure", Effect.fail(failure)),
  inFiber("rejected by an open breaker", "Retry.retry", isolated.run(success)),
  promised("rejected by an open breaker", isolated.run(success)),
  byPromises("rejected by an open breaker", isolated),
  awaited("rejected by an open breaker", "cockatiel", () => cockatielOpen.execute(answer)),
  awaited("rejected by an open breaker", "opossum", () => opossumOpen.fire()),
  cancelled("cancelled", "bare effect", Effect.never),
  cancelled("cancelled", "Retry.retry", Retry.retry(Effect.never, policy)),
  cancelled("cancelled", "Retry.retry, all of the above", Retry.retry(Effect.never, bounded)),
  cancelled("cancelled", "Effect.retry", Effect.retry(Effect.never, schedule)),
  aborted("cancelled", "cockatiel", (signal) => cockatielFull.execute(() => hanging(signal), signal)),
  aborted("cancelled", "p-retry", (signal) => pRetry(() => hanging(signal), { ...quick, signal }))
])
opossumBounded.shutdown()
opossumOpen.shutdown()
