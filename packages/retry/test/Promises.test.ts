import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Distributed from "@redrive/retry/Distributed"
import * as Retry from "@redrive/retry/Retry"
import { RetryExhausted } from "@redrive/retry/RetryExhausted"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import process from "node:process"
import { bad, failing, policyOf, settled } from "./call.ts"

const never = () => Promise.race<never>([])

/** A promise as an effect that fails with whatever it rejects with, as a call by promises does. */
const effectOf = <A>(promise: () => PromiseLike<A>) =>
  // @effect-diagnostics-next-line unknownInEffectCatch:off
  Effect.tryPromise({ try: promise, catch: (error) => error })

/** Runs what asks for the test's context, such as a call by promises, to its end. */
const ended = <A>(call: (context: Context.Context<never>) => PromiseLike<A>) =>
  Effect.flatMap(Effect.context(), (context) => settled(effectOf(() => call(context))))

const rejection = <A>(call: (context: Context.Context<never>) => PromiseLike<A>) =>
  Effect.flatMap(Effect.flip(Effect.flatten(ended(call))), (error) => {
    assert.instanceOf(error, RetryExhausted)
    return Effect.succeed(error)
  })

/** Rejects with a failure that may pass, as often as it is told. */
const flaky = (times = Infinity, failure: unknown = bad) => {
  let calls = 0
  return async () => {
    if (++calls <= times) throw failure
    return calls
  }
}

describe("a call by promises", () => {
  it("resolves at once if its attempt does", async () => {
    const runner = Retry.make(
      policyOf({ attemptTimeout: "1 second", deadline: "1 minute", breaker: {}, budget: "standard" })
    )
    assert.deepStrictEqual(await Promise.all([runner.promise(async () => 1), runner.promise(async () => 2)]), [1, 2])
  })

  it.effect("tries again after a rejection and a throw", () =>
    Effect.gen(function* () {
      let calls = 0
      const throwing = (): Promise<number> => {
        if (++calls < 3) throw bad
        return Promise.resolve(calls)
      }
      const runner = Retry.make(policyOf())
      assert.strictEqual(yield* yield* ended((context) => runner.promise(flaky(2), { context })), 3)
      assert.strictEqual(yield* yield* ended((context) => runner.promise(throwing, { context })), 3)
    })
  )

  it.effect("rejects with every attempt, and the last one's own rejection", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ retries: 2 }), "load")
      const error = yield* rejection((context) => runner.promise(flaky(), { context, key: "a" }))
      assert.strictEqual(error.failure, bad)
      assert.deepStrictEqual([error.name, error.key, error.because, error.attempts.length], ["load", "a", "retries", 3])
      assert.deepStrictEqual(
        error.attempts.map(({ wait }) => wait && Duration.toMillis(wait)),
        [1000, 2000, undefined]
      )
    })
  )

  it.effect("ends an attempt at its timeout, aborts its signal, and tries again", () =>
    Effect.gen(function* () {
      const reasons: Array<unknown> = []
      let calls = 0
      const attempt = (signal: AbortSignal) => {
        signal.addEventListener("abort", () => reasons.push(signal.reason))
        return ++calls < 3 ? never() : Promise.resolve("late")
      }
      const runner = Retry.make(policyOf({ attemptTimeout: "5 seconds" }))
      assert.strictEqual(yield* yield* ended((context) => runner.promise(attempt, { context })), "late")
      assert.lengthOf(reasons, 2)
      assert.isTrue(Cause.isTimeoutError(reasons[0]))
    })
  )

  it.effect("ends at its deadline, whatever comes later", () =>
    Effect.gen(function* () {
      const late = Promise.withResolvers<number>()
      const runner = Retry.make(policyOf({ deadline: "5 seconds" }))
      const error = yield* rejection((context) => runner.promise(() => late.promise, { context }))
      assert.strictEqual(error.because, "deadline")
      late.reject(new Error("nobody listens any more"))
      yield* Effect.promise(() => late.promise.catch(() => undefined))
    })
  )

  it("rejects with the reason of a signal, before and during an attempt, and holds nothing then", async () => {
    const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1, queue: 0 } }))
    let calls = 0
    const early = runner.promise(async () => ++calls, { signal: AbortSignal.abort("early") })
    assert.strictEqual(await early.catch((error: unknown) => error), "early")
    assert.strictEqual(calls, 0)
    const controller = new AbortController()
    const running = runner.promise(never, { signal: controller.signal })
    controller.abort("enough")
    assert.strictEqual(await running.catch((error: unknown) => error), "enough")
    assert.strictEqual(await runner.promise(async () => "free"), "free")
  })

  it.effect("rejects with the reason of a signal while it waits for another attempt", () =>
    Effect.gen(function* () {
      const controller = new AbortController()
      const runner = Retry.make(policyOf())
      const context = yield* Effect.context()
      const call = runner.promise(flaky(), { context, signal: controller.signal }).catch((error: unknown) => error)
      yield* TestClock.adjust("500 millis")
      controller.abort("enough")
      assert.strictEqual(yield* Effect.promise(() => call), "enough")
    })
  )

  it("is refused by a full bulkhead, and waits in its queue", async () => {
    const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1, queue: 1 } }))
    const slow = Promise.withResolvers<string>()
    const first = runner.promise(() => slow.promise)
    const second = runner.promise(async () => "second")
    const third = await runner.promise(async () => "third").catch((error: unknown) => error)
    assert.strictEqual((third as RetryExhausted).because, "bulkhead")
    slow.resolve("first")
    assert.deepStrictEqual(await Promise.all([first, second]), ["first", "second"])
    assert.strictEqual(await runner.promise(async () => "fourth"), "fourth")
  })

  it("gives its place back when its attempt answers with no promise at all", async () => {
    const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1, queue: 0 }, attemptTimeout: "1 second" }))
    const attempt = (() => 1) as unknown as () => Promise<number>
    assert.deepStrictEqual([await runner.promise(attempt), await runner.promise(attempt)], [1, 1])
  })

  it("opens the breaker that all calls of the runner share, and is refused by it", async () => {
    const runner = Retry.make(policyOf({ retries: 0, breaker: { trip: { failures: 2 } } }))
    for (const _ of [1, 2]) await runner.promise(flaky()).catch(() => undefined)
    const refused = await runner.promise(async () => 1).catch((error: unknown) => error)
    assert.strictEqual((refused as RetryExhausted).because, "breaker")
    const effect = await Effect.runPromise(Effect.flip(runner.run(Effect.succeed(1))))
    assert.strictEqual(effect.because, "breaker")
  })

  it.effect("asks whether a creation happened, and rejects with the caller's own errors", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ operation: "create", attemptTimeout: "1 second" }))
      const reconcile = () => Effect.succeed(Option.some("found"))
      assert.strictEqual(
        yield* yield* ended((context) => runner.promise<string>(never, { context, reconcile })),
        "found"
      )
      const mine = new Error("mine")
      const error = yield* rejection((context) => runner.promise(never, { context, errorOf: () => mine }))
      assert.strictEqual(error.failure, mine)
    })
  )

  it.effect("goes through rate limits and breakers that processes share", () =>
    Effect.gen(function* () {
      const rateLimit = { limit: 1, window: Duration.seconds(10), maximumWait: Duration.seconds(1) }
      const runner = yield* Distributed.make(policyOf({ rateLimit }), "page")
      assert.strictEqual(yield* yield* ended((context) => runner.promise(async () => 1, { context })), 1)
      const error = yield* rejection((context) => runner.promise(async () => 2, { context }))
      assert.strictEqual(error.because, "rate_limit")
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect("is reported once when it is given up, unless the program handles that itself", () =>
    Effect.gen(function* () {
      const reports: Array<ReadonlyArray<unknown>> = []
      const observer = Observer.layer({
        report: ({ attributes, host, message }) => void reports.push([message, attributes["call"], host])
      })
      const key = "https://shop.example"
      const program = (isReported?: boolean, attempt = flaky(Infinity, new Error("no answer"))) =>
        Effect.gen(function* () {
          const runner = Retry.make(policyOf({ retries: 1, bulkhead: { concurrent: 1, queue: 0 } }), "page")
          yield* rejection((context) => runner.promise(attempt, { context, key, isReported }))
          // One that is refused at once.
          const context = yield* Effect.context()
          void runner.promise(never, { context })
          yield* rejection(() => runner.promise(attempt, { context, key, isReported }))
        }).pipe(Effect.provide(observer))
      yield* program()
      assert.deepStrictEqual(reports, [
        ["no answer", "page", undefined],
        ["page refused a call to https://shop.example: its bulkhead is full", "page", "shop.example"]
      ])
      yield* program(false)
      assert.lengthOf(reports, 2)
    })
  )

  it("keeps the process alive no longer than its calls run", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length
    const runner = Retry.make(policyOf({ attemptTimeout: "1 hour", deadline: "2 hours" }))
    const before = timers()
    for (const _ of [1, 2]) {
      const answer = Promise.withResolvers<void>()
      const call = runner.promise(() => answer.promise)
      assert.strictEqual(timers(), before + 1)
      answer.resolve()
      await call
      assert.strictEqual(timers(), before)
    }
  })
})

describe("a call by promises, next to the same call as an effect,", () => {
  const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  const failures = {
    quick: { verdict: Verdict.transient("quick") },
    throttled: { verdict: Verdict.throttled(Duration.seconds(3)) },
    permanent: { verdict: Verdict.permanent },
    bad: failing(503)
  }
  const outcome = Schema.Literals(["good", "hangs", ...(Object.keys(failures) as Array<keyof typeof failures>)])
  const setting = Schema.Struct({
    retries: int(0, 4),
    attemptTimeout: Schema.UndefinedOr(int(1, 4)),
    deadline: Schema.UndefinedOr(int(4, 30)),
    breaker: Schema.UndefinedOr(int(1, 3)),
    bulkhead: Schema.Boolean,
    budget: Schema.UndefinedOr(Schema.Literals(["standard", "grpc"])),
    operation: Schema.Literals(["read", "create"])
  })

  const policyIn = ({
    attemptTimeout,
    breaker,
    budget,
    bulkhead,
    deadline,
    operation,
    retries
  }: typeof setting.Type) => {
    const options: Parameters<typeof policyOf>[0] = {
      retries,
      operation,
      // Something ends every attempt that hangs.
      attemptTimeout: Duration.seconds(attemptTimeout ?? 4),
      ...(deadline !== undefined && { deadline: Duration.seconds(deadline) }),
      ...(breaker !== undefined && { breaker: { trip: { failures: breaker } } }),
      ...(bulkhead && { bulkhead: { concurrent: 1, queue: 0 } }),
      ...(budget !== undefined && { budget })
    }
    return policyOf(options)
  }

  /** What three calls in a row come to, and everything that observers hear. */
  const story = (
    policy: RetryPolicy.RetryPolicy,
    script: ReadonlyArray<typeof outcome.Type>,
    call: (runner: Retry.Runner, attempt: () => Promise<string>) => Effect.Effect<string, unknown>
  ) =>
    Effect.gen(function* () {
      const heard: Array<unknown> = []
      const observer = Observer.layer({
        event: (event) => void heard.push([event._tag, event.name, "attempt" in event && event.attempt])
      })
      const left = [...script]
      const attempt = async () => {
        const next = left.shift() ?? "good"
        if (next === "good") return next
        if (next === "hangs") return never()
        throw failures[next]
      }
      const runner = Retry.make(policy, "page")
      for (const _ of [1, 2, 3]) {
        const exit = yield* settled(Effect.provide(Effect.flip(Effect.flip(call(runner, attempt))), observer))
        heard.push(exit._tag === "Success" ? exit.value : factsOf(Cause.squash(exit.cause)))
      }
      return [...heard, left.length, runner.breaker()?.condition(0)]
    })

  const factsOf = (error: unknown) =>
    error instanceof RetryExhausted
      ? [error.because, error.verdict._tag, error.attempts.length, Report.make(error.failure).fingerprint]
      : error

  it.effect.prop(
    "comes to the same",
    {
      setting: Arbitrary.schema(setting),
      script: Arbitrary.schema(Schema.Array(outcome).check(Schema.isMaxLength(12)))
    },
    ({ script, setting }) =>
      Effect.gen(function* () {
        const policy = policyIn(setting)
        const asEffect = yield* story(policy, script, (runner, attempt) => runner.run(effectOf(attempt)))
        const byPromises = yield* story(policy, script, (runner, attempt) =>
          Effect.flatMap(Effect.context(), (context) => effectOf(() => runner.promise(attempt, { context })))
        )
        assert.deepStrictEqual(byPromises, asEffect)
      }),
    { arbitrary: { runs: 150 } }
  )
})
