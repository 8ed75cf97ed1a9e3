import { assert, describe, it } from "@effect/vitest"
import * as JobError from "@redrive/core/JobError"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, failing, flaky, policyOf, settled } from "./call.ts"

const seconds = Duration.seconds

describe("a budget", () => {
  it.effect("is shared by the calls of a runner, and refuses retries when it is spent", () =>
    Effect.gen(function* () {
      const runner = Retry.make(
        policyOf({ budget: { _tag: "Tokens", capacity: 3, cost: 1, throttledCost: 1, refill: 0 } })
      )
      const first = yield* exhausted(runner.run(flaky(bad).effect))
      assert.strictEqual(first.because, "retries")
      const second = flaky(bad)
      const error = yield* exhausted(runner.run(second.effect))
      assert.strictEqual(error.because, "budget")
      assert.lengthOf(second.tried, 1)
      // A first attempt is never refused.
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
    })
  )

  it.effect("lets a fifth of the calls be tried again by default, and three more in ten seconds", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ retries: 1, budget: "standard" }))
      for (let call = 0; call < 9; call++) yield* runner.run(Effect.succeed(call))
      const ends: Array<string> = []
      for (let call = 0; call < 7; call++) {
        const fiber = yield* Effect.forkChild(Effect.flip(runner.run(Effect.fail(bad))), { startImmediately: true })
        ends.push(fiber.pollUnsafe() === undefined ? "retried" : (yield* Fiber.join(fiber)).because)
      }
      assert.deepStrictEqual(ends, [...Array.from({ length: 6 }, () => "retried"), "budget"])
      const quiet = Retry.make(policyOf({ retries: 3, budget: "standard" }))
      for (let call = 0; call < 3; call++) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* settled(quiet.run(flaky(bad, 3).effect)), Exit.succeed("done"))
      }
    })
  )

  it.effect("gets back what an interrupted call had in flight", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ budget: "envoy" }))
      const before = runner.budget?.available(0)
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(runner.run(flaky(bad).effect)))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(runner.budget?.available(0), 0)
      yield* Fiber.interruptAll(fibers)
      assert.strictEqual(runner.budget?.available(0), before)
    })
  )

  it.effect("gets back what a call's own last retry cost, whatever others paid meanwhile", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ budget: "aws2026" }))
      const [dear, cheap] = [flaky(bad, 2), flaky({ verdict: Verdict.throttled() }, 1)]
      const fibers = yield* Effect.forEach([dear, cheap], ({ effect }) => Effect.forkChild(runner.run(effect)))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll(fibers)
      // Of two retries at fourteen and one at five, the last fourteen and the five came back.
      assert.strictEqual(runner.budget?.available(0), 500 - 14)
    })
  )

  it.effect("of retries in flight counts one for a call, however often it tries", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ retries: 9, budget: "envoy" }))
      assert.strictEqual((yield* exhausted(runner.run(flaky(bad).effect))).because, "retries")
    })
  )

  it.effect("does not suffer from what no retry can help", () =>
    Effect.gen(function* () {
      for (const budget of ["grpc", "sre"] as const) {
        const runner = Retry.make(policyOf({ budget }))
        for (let call = 0; call < 100; call++) yield* Effect.flip(runner.run(Effect.fail({ isRetryable: false })))
        assert.strictEqual((yield* exhausted(runner.run(flaky(bad).effect))).because, "retries", budget)
      }
    })
  )
})

describe("a breaker", () => {
  const trip = {
    trip: { _tag: "Consecutive", failures: 2 },
    openFor: { kind: "constant", base: seconds(5), cap: seconds(5), jitter: "none" }
  } as const

  it.effect("refuses calls of its key at once, says when to come back, and lets a probe through", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ breaker: trip }), "page")
      const { effect, tried } = flaky(bad, 2)
      const error = yield* exhausted(runner.run(effect, { key: "a" }))
      assert.strictEqual(error.because, "breaker")
      assert.lengthOf(tried, 2)
      assert.strictEqual(error.failure, bad)
      const refused = yield* Effect.flip(runner.run(Effect.succeed(1), { key: "a" }))
      assert.deepStrictEqual([refused.because, refused.attempts.length], ["breaker", 0])
      assert.isDefined(refused.retryAt)
      assert.strictEqual(yield* runner.run(Effect.succeed(1), { key: "b" }), 1)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* runner.run(effect, { key: "a" }), "done")
      assert.strictEqual(runner.breaker("a")?.condition(0), "closed")
    })
  )

  it.effect("does not open for what is the caller's own doing, or for interruption", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ breaker: trip }))
      for (let n = 0; n < 5; n++) yield* Effect.exit(runner.run(Effect.fail(failing(404))))
      for (let n = 0; n < 5; n++) yield* Effect.flatMap(Effect.forkChild(runner.run(Effect.never)), Fiber.interrupt)
      assert.strictEqual(runner.breaker()?.condition(0), "closed")
    })
  )

  it.effect("tells observers when it opens and closes", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.layer({ event: (event) => told.push(event._tag) })
      const runner = Retry.make(RetryPolicy.make({ retries: 0, breaker: trip }))
      const program = Effect.gen(function* () {
        yield* Effect.exit(runner.run(Effect.fail(bad)))
        yield* Effect.exit(runner.run(Effect.fail(bad)))
        yield* TestClock.adjust("5 seconds")
        yield* runner.run(Effect.succeed(1))
      })
      yield* Effect.provide(program, observer)
      assert.deepStrictEqual(
        told.filter((tag) => tag.startsWith("Breaker")),
        ["BreakerOpened", "BreakerClosed"]
      )
    })
  )

  it.effect("closes when a probe is answered, be it that no retry can help", () =>
    Effect.gen(function* () {
      const runner = Retry.make(RetryPolicy.make({ retries: 0, breaker: trip }))
      while (runner.breaker()?.condition(0) === "closed") yield* Effect.exit(runner.run(Effect.fail(bad)))
      yield* TestClock.adjust("5 seconds")
      yield* Effect.exit(runner.run(Effect.fail({ isRetryable: false })))
      assert.strictEqual(runner.breaker()?.condition(5000), "closed")
    })
  )

  it.effect("of a key that is in use is not forgotten, however many keys there are", () =>
    Effect.gen(function* () {
      const runner = Retry.make(
        RetryPolicy.make({ retries: 0, breaker: { trip: { _tag: "Consecutive", failures: 30 } } })
      )
      for (let n = 0; n < 30_000; n++) {
        if (n % 1000 === 0) yield* Effect.exit(runner.run(Effect.fail(bad), { key: "busy" }))
        runner.breaker(`${n}`)
      }
      assert.strictEqual(runner.breaker("busy")?.condition(0), "open")
    })
  )

  it.effect("can be isolated by hand", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ breaker: trip }))
      runner.breaker()?.isolate()
      const error = yield* Effect.flip(runner.run(Effect.succeed(1)))
      assert.deepStrictEqual([error.because, error.retryAt], ["breaker", undefined])
      runner.breaker()?.reset()
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
    })
  )
})

describe("a bulkhead", () => {
  it.effect("lets so many run, so many wait in turn, and refuses the others", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ bulkhead: { concurrent: 2, queue: 1 } }))
      const gate = yield* Deferred.make<void>()
      let running = 0
      let most = 0
      const work = Effect.gen(function* () {
        most = Math.max(most, ++running)
        yield* Deferred.await(gate)
        running--
      })
      const fibers = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(runner.run(work), { startImmediately: true })
      )
      const error = yield* Effect.flip(runner.run(work))
      assert.strictEqual(error.because, "bulkhead")
      yield* Deferred.done(gate, Exit.void)
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual([running, most], [0, 2])
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
    })
  )

  it.effect("gives the place in line of who no longer waits to the next one, and loses none", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1, queue: 1 } }))
      for (let round = 0; round < 20; round++) {
        const running = yield* Effect.forkChild(runner.run(Effect.never), { startImmediately: true })
        const waiting = yield* Effect.forkChild(runner.run(Effect.never), { startImmediately: true })
        yield* Fiber.interrupt(waiting)
        const next = yield* Effect.forkChild(runner.run(Effect.succeed(1)), { startImmediately: true })
        yield* Fiber.interrupt(running)
        assert.strictEqual(yield* Fiber.join(next), 1)
      }
    })
  )
})

describe("a creation", () => {
  const lost = new JobError.JobError({ operation: "create", reason: new JobError.ApiUnreachable({ sent: true }) })
  const unsent = Object.assign(new Error("connect"), { code: "ECONNREFUSED", syscall: "connect" })

  it.effect("that may have happened is not sent again", () =>
    Effect.gen(function* () {
      for (const failure of [lost, failing(500), { _tag: "TimeoutError" }, new Error("who knows")]) {
        const { effect, tried } = flaky(failure)
        const error = yield* exhausted(Retry.make(policyOf({ operation: "create" })).run(effect))
        assert.deepStrictEqual([error.because, tried.length], ["ambiguous", 1])
      }
    })
  )

  it.effect("that was never sent, or was refused, is tried again as its verdict says", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ operation: "create" }))
      for (const failure of [unsent, failing(429)]) {
        const { effect, tried } = flaky(failure, 1)
        assert.deepStrictEqual(yield* settled(runner.run(effect)), Exit.succeed("done"))
        assert.lengthOf(tried, 2)
      }
      assert.strictEqual((yield* exhausted(runner.run(flaky(failing(404)).effect))).because, "permanent")
    })
  )

  it.effect("that turns out to have happened is its result, and is sent again if it has not", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ operation: "create" }))
      const happened = flaky(failing(500))
      const found = runner.run(happened.effect, { reconcile: () => Effect.succeed(Option.some("found")) })
      assert.deepStrictEqual(yield* settled(found), Exit.succeed("found"))
      assert.lengthOf(happened.tried, 1)
      const again = flaky(failing(500), 1)
      const sent = runner.run(again.effect, { reconcile: () => Effect.succeed(Option.none()) })
      assert.deepStrictEqual(yield* settled(sent), Exit.succeed("done"))
      assert.lengthOf(again.tried, 2)
    })
  )

  it.effect("is looked for no longer than its deadline, and in a pipeline as well", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ operation: "create", deadline: seconds(10) }))
      const lookup = runner.run({ reconcile: () => Effect.never })
      assert.strictEqual((yield* exhausted(flaky(failing(500)).effect.pipe(lookup))).because, "ambiguous")
      const found = Effect.fail(failing(500)).pipe(
        runner.run({ reconcile: () => Effect.succeed(Option.some("found")) })
      )
      assert.strictEqual(yield* found, "found")
    })
  )

  it.effect("is a matter of the call: reads of the same runner are tried again", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf())
      const { effect, tried } = flaky(failing(500), 1)
      assert.deepStrictEqual(yield* settled(runner.run(effect, { operation: "poll" })), Exit.succeed("done"))
      assert.lengthOf(tried, 2)
      assert.strictEqual(
        (yield* exhausted(runner.run(flaky(failing(500)).effect, { operation: "create" }))).because,
        "ambiguous"
      )
    })
  )
})

describe("an override", () => {
  it.effect("of a code or its detail says how often and how patiently", () =>
    Effect.gen(function* () {
      const long = { kind: "constant", base: seconds(20), cap: seconds(20), jitter: "none" } as const
      const policy = policyOf({
        overrides: {
          host_returned_error: { retries: 1 },
          "host_returned_error/bad_gateway": { backoff: long },
          busy: { giveUp: true }
        }
      })
      const gateway = flaky(failing(502))
      yield* exhausted(Retry.retry(gateway.effect, policy))
      assert.deepStrictEqual(gateway.tried, [0, 20_000, 40_000, 60_000])
      const other = flaky(failing(408))
      yield* exhausted(Retry.retry(other.effect, policy))
      assert.lengthOf(other.tried, 2)
      const busy = flaky({ code: "busy", isRetryable: true })
      assert.strictEqual((yield* exhausted(Retry.retry(busy.effect, policy))).because, "permanent")
      assert.lengthOf(busy.tried, 1)
    })
  )
})

describe("a runner", () => {
  class Crawl extends Context.Service<Crawl, Retry.Runner>()("test/Crawl") {}

  it.effect("is shared as a service", () =>
    Effect.gen(function* () {
      const layer = Retry.layer(Crawl, policyOf({ bulkhead: { concurrent: 1 } }), "crawl")
      const program = Effect.gen(function* () {
        const runner = yield* Crawl
        assert.strictEqual(runner.name, "crawl")
        return yield* Effect.succeed(1).pipe(runner.run({ name: "page" }))
      })
      assert.strictEqual(yield* Effect.provide(program, layer), 1)
    })
  )

  it.effect("is said to protect nothing where its policy is made anew for each call: once, by its parts", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => void lines.push(message))
      const run = (policy: RetryPolicy.RetryPolicy) =>
        Effect.provide(Retry.retry(Effect.succeed(1), policy), Logger.layer([logger]))
      const said = (parts: string) => [
        `call: 10 policies with the same ${parts} were used once each. A policy that is made inside the call protects nothing: make it once, outside`
      ]
      const bulkhead = (concurrent: number) => ({ bulkhead: { concurrent } })
      // Policies that are made once, for each tenant, and policies that share nothing.
      const tenants = Array.from({ length: 9 }, () => policyOf(bulkhead(2)))
      for (let call = 0; call < 30; call++) {
        for (const tenant of tenants) yield* run(tenant)
        yield* run(policyOf())
      }
      assert.deepStrictEqual(lines, [])
      for (let call = 0; call < 30; call++) yield* run(policyOf({ ...bulkhead(3), deadline: seconds(10 + call) }))
      assert.deepStrictEqual(lines, [said("bulkhead")])
      // A spread is another value, too; that the policy itself is used now and then changes nothing.
      const shared = policyOf({ ...bulkhead(4), hedge: { after: seconds(1) } })
      for (let call = 0; call < 60; call++) yield* run(call % 5 === 0 ? shared : { ...shared, retries: 1 })
      assert.deepStrictEqual(lines, [said("bulkhead"), said("bulkhead, hedge")])
    })
  )

  it.effect("is shared by all who use the same policy value", () =>
    Effect.gen(function* () {
      const policy = policyOf({ breaker: { trip: { _tag: "Consecutive", failures: 1 } } })
      yield* settled(Retry.retry(Effect.fail({ verdict: Verdict.transient("quick") }), policy))
      assert.strictEqual((yield* Effect.flip(Retry.retry(Effect.succeed(1), policy))).because, "breaker")
      assert.strictEqual(yield* Retry.retry(Effect.succeed(1), { ...policy }), 1)
    })
  )
})
