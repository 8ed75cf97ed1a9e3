import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Distributed from "@redrive/retry/Distributed"
import * as HttpRetry from "@redrive/retry/HttpRetry"
import type * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { bad } from "./call.ts"
import * as Network from "./fixtures/network.ts"

const { millis, seconds } = Duration
const now = { startImmediately: true }
const fiveSeconds = { kind: "constant", base: seconds(5), cap: seconds(5), jitter: "none" } as const
const breaker = { trip: { _tag: "Consecutive", failures: 2 }, openFor: fiveSeconds } as const
const guarded = RetryPolicy.make({ retries: 0, breaker })
const limited = RetryPolicy.make({ retries: 0, rateLimit: { limit: 5, window: seconds(1), maximumWait: seconds(1) } })
const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** A call's exit, and its end in milliseconds. */
const timed = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.zip(Effect.exit(call), Clock.currentTimeMillis, { concurrent: false })

/** Starts a call, lets time pass, and returns how it ended. */
const after = Effect.fnUntraced(function* <A, E, R>(time: Duration.Input, call: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(timed(call), now)
  yield* TestClock.adjust(time)
  return fiber.pollUnsafe()
})

const endedAt = (exit: Exit.Exit<readonly [unknown, number]> | undefined) =>
  exit !== undefined && Exit.isSuccess(exit) ? exit.value[1] : undefined

const ending = <A>(value: A, at: number): Exit.Exit<[Exit.Exit<A>, number]> => Exit.succeed([Exit.succeed(value), at])

/** Lines of the log, with their levels. */
const logged = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) =>
    lines.push(`${logLevel} ${String(Array.isArray(message) ? message[0] : message)}`)
  )
  return { lines, layer: Logger.layer([logger]) }
}

describe("a store that stalls", () => {
  it.effect("takes no more time than a call's deadline leaves, and none of an attempt's", () => {
    const network = Network.make()
    network.way = Network.silent
    return Effect.gen(function* () {
      const brief = { ...guarded, attemptTimeout: millis(300), deadline: millis(400) }
      const short = yield* Distributed.make(brief, "short")
      let ran = 0
      const exit = yield* after("400 millis", short.run(Effect.sync(() => ran++)))
      assert.deepStrictEqual([endedAt(exit), ran], [400, 0])
      const long = yield* Distributed.make({ ...brief, deadline: seconds(2) }, "long")
      const slow = yield* after("2 seconds", long.run(Effect.delay(Effect.succeed(1), "250 millis")))
      assert.deepStrictEqual(slow, ending(1, 400 + 500 + 250))
    }).pipe(Effect.provide(network.stores), Effect.scoped, quiet)
  })

  it.effect.each([
    ["breaker", guarded, "guarded"],
    ["rate limit", limited, "limited"]
  ] as const)("holds a call for half a second at most, then none for a second: %s", ([kind, policy, word]) => {
    const network = Network.make()
    const { layer, lines } = logged()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(policy, "page")
      const call = runner.run(Effect.succeed(1))
      network.way = Network.silent
      const begun = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(timed(call), now))
      yield* TestClock.adjust("499 millis")
      assert.deepStrictEqual(
        begun.map((fiber) => fiber.pollUnsafe()),
        [undefined, undefined, undefined]
      )
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(
        begun.map((fiber) => fiber.pollUnsafe()),
        begun.map(() => ending(1, 500))
      )
      const asked = network.asked.length
      for (let n = 0; n < 10; n++) assert.strictEqual(yield* call, 1)
      assert.strictEqual(network.asked.length, asked)
      assert.deepStrictEqual(lines, [`Error page: the store of its ${kind} cannot be reached: calls are not ${word}`])

      // The next request finds out, but no call waits for it; each pause is twice as long.
      yield* TestClock.adjust("1 second")
      for (let n = 0; n < 10; n++) assert.strictEqual(yield* call, 1)
      assert.strictEqual(network.asked.length, asked + 1)
      yield* TestClock.adjust("2499 millis")
      assert.strictEqual(yield* call, 1)
      assert.strictEqual(network.asked.length, asked + 1)

      network.way = Network.good
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* call, 1)
      assert.deepStrictEqual(lines.slice(1), [`Info page: the store of its ${kind} answers again: calls are ${word}`])
      yield* call
      assert.isAbove(network.asked.length, asked + 2)
    }).pipe(Effect.provide(Layer.merge(network.stores, layer)))
  })

  it.effect("guards calls again five seconds after the store is back, however long it was silent", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(guarded, "page")
      const fails = Effect.flip(runner.run(Effect.fail(bad)))
      yield* fails
      yield* fails
      network.way = Network.silent
      // A call each second, for ten minutes.
      for (let n = 0; n < 600; n++) yield* Effect.andThen(Effect.forkChild(fails, now), TestClock.adjust("1 second"))
      network.way = Network.good
      yield* fails
      yield* TestClock.adjust("5 seconds")
      yield* fails
      yield* fails
      yield* fails
      assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(1)))).because, "breaker")
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("does not delay a call that has its result", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(guarded, "page")
      const stalls = Effect.sync(() => (network.way = Network.silent))
      assert.strictEqual(yield* runner.run(Effect.as(stalls, 1)), 1)
      network.way = Network.good
      const failed = yield* Effect.flip(runner.run(Effect.andThen(stalls, Effect.fail(bad)), { key: "other" }))
      assert.deepStrictEqual([failed.failure, yield* Clock.currentTimeMillis], [bad, 0])
      yield* TestClock.adjust("500 millis")
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("lets an outer timeout, an outer deadline and an interruption end a call at once", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      network.way = Network.silent
      for (const policy of [guarded, limited]) {
        const runner = yield* Distributed.make(policy, "page")
        const call = runner.run(Effect.succeed(1))
        const begun = yield* Clock.currentTimeMillis
        assert.strictEqual(endedAt(yield* after("100 millis", Effect.timeout(call, "100 millis"))), begun + 100)
        const fiber = yield* Effect.forkChild(call, now)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* Clock.currentTimeMillis, begun + 100)
        // A request that nobody waits for any more still tells about the store.
        yield* TestClock.adjust("400 millis")
        assert.strictEqual(yield* call, 1)
      }
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("does not make an uninterruptible call interruptible", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      network.way = Network.silent
      for (const policy of [guarded, limited]) {
        const ran: Array<string> = []
        const runner = yield* Distributed.make(policy, "page")
        const call = Effect.uninterruptible(runner.run(Effect.sync(() => ran.push("call"))))
        const fiber = yield* Effect.forkChild(
          Effect.onExit(Effect.never, () => call),
          now
        )
        yield* Effect.forkChild(Fiber.interrupt(fiber), now)
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual(ran, ["call"])
      }
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("gives back a probe that is admitted after its caller has left", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(guarded, "page")
      const call = runner.run(Effect.succeed(1))
      for (let n = 0; n < 2; n++) yield* Effect.flip(runner.run(Effect.fail(bad)))
      yield* TestClock.adjust("5 seconds")
      network.way = Network.late(200)
      const fiber = yield* Effect.forkChild(call, now)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("200 millis")
      network.way = Network.late(600)
      assert.strictEqual(endedAt(yield* after("500 millis", call)), 5700)
      yield* TestClock.adjust("1200 millis")
      network.way = Network.good
      yield* call
      assert.strictEqual((yield* Effect.flip(runner.run(Effect.fail(bad)))).because, "retries")
      assert.strictEqual((yield* Effect.flip(call)).because, "breaker")
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("makes the calls of many keys wait only once", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(RetryPolicy.make({ ...limited, breaker }), "page")
      network.way = Network.silent
      const calls = Effect.forEach(
        Array.from({ length: 200 }),
        (_, key) => runner.run(Effect.succeed(1), { key: `${key}` }),
        {
          concurrency: "unbounded",
          discard: true
        }
      )
      assert.strictEqual(endedAt(yield* after("1 second", calls)), 1000)
      assert.strictEqual(endedAt(yield* after("0 millis", calls)), 1000)
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("delays the end of a scope by the time for its records, and no longer", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const runner = yield* Scope.provide(Distributed.make(guarded, "page"), scope)
      const stalls = Effect.sync(() => (network.way = Network.silent))
      yield* runner.run(Effect.andThen(Effect.sleep("0 millis"), stalls))
      const ended = yield* after("500 millis", Scope.close(scope, Exit.void))
      assert.strictEqual(endedAt(ended), 500)
      network.way = Network.good
      assert.strictEqual(yield* runner.run(Effect.succeed(2)), 2)
    }).pipe(quiet, Effect.provide(network.stores))
  })

  it.effect("has as long to answer as the option says", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      network.way = Network.silent
      class Pages extends Context.Service<Pages, Retry.Runner>()("test/Pages") {}
      const layer = Distributed.layer(Pages, guarded, "page", { storeTimeout: millis(50) })
      const call = Effect.flatMap(Pages, (runner) => runner.run(Effect.succeed(1))).pipe(Effect.provide(layer))
      assert.strictEqual(endedAt(yield* after("50 millis", call)), 50)
      const other = yield* Distributed.make(guarded, "other", { storeTimeout: "70 millis" })
      assert.strictEqual(endedAt(yield* after("70 millis", other.run(Effect.succeed(1)))), 120)
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("does not stop requests, even those under way when the runner's layer closes", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const runner = yield* Scope.provide(Distributed.make(RetryPolicy.make({ ...limited, breaker }), "page"), scope)
      network.way = Network.silent
      const http = HttpClient.make((request) =>
        Effect.as(Effect.sleep("2 seconds"), HttpClientResponse.fromWeb(request, new Response("ok")))
      )
      const text = Effect.flatMap(HttpRetry.httpClient(runner)(http).get("http://127.0.0.1/"), ({ text }) => text)
      const first = yield* Effect.forkChild(timed(text), now)
      yield* TestClock.adjust("1500 millis")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(first.pollUnsafe(), ending("ok", 3000))
      assert.strictEqual(endedAt(yield* after("10 seconds", text)), 5000)
    }).pipe(quiet, Effect.provide(network.stores))
  })
})

describe("a store that fails", () => {
  const failing = Layer.merge(
    Layer.succeed(CircuitBreaker.CircuitBreakerStore, {
      admit: () => Effect.fail(lost),
      record: () => Effect.fail(lost),
      state: () => Effect.fail(lost)
    }),
    Layer.mock(RateLimiter.RateLimiter)({
      [RateLimiter.TypeId]: RateLimiter.TypeId,
      consume: () => Effect.fail(lostLimit)
    })
  )
  const broken = Network.make()
  broken.way = Network.broken

  it.effect.each([
    ["with an error", failing],
    ["with a defect", broken.stores]
  ] as const)("lets calls through, and says so once: %s", ([, stores]) => {
    const { layer, lines } = logged()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(RetryPolicy.make({ ...limited, breaker }), "page")
      for (let n = 0; n < 20; n++) assert.strictEqual(yield* runner.run(Effect.succeed(n)), n)
      assert.deepStrictEqual(lines, [
        "Error page: the store of its rate limit cannot be reached: calls are not limited",
        "Error page: the store of its breaker cannot be reached: calls are not guarded"
      ])
      const silenced = Effect.provideService(runner.run(Effect.succeed(1)), References.UnhandledLogLevel, undefined)
      yield* TestClock.adjust("1 minute")
      yield* silenced
      assert.lengthOf(lines, 2)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(stores, layer)))
  })

  it.effect("is asked again at once: its failure takes no time and may concern one key", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(guarded, "page")
      for (let n = 0; n < 2; n++) yield* Effect.flip(runner.run(Effect.fail(bad)))
      network.way = Network.broken
      assert.strictEqual(yield* runner.run(Effect.succeed(1), { key: "other" }), 1)
      network.way = Network.good
      assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(1)))).because, "breaker")
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("fails the layer if it cannot be built", () => {
    class Pages extends Context.Service<Pages, Retry.Runner>()("test/Pages") {}
    const stores = Layer.effectDiscard(Effect.fail("no Redis")).pipe(Layer.provideMerge(Distributed.layerMemory))
    const layer = Layer.provide(Distributed.layer(Pages, guarded, "page"), stores)
    return Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(Effect.provide(Pages, layer)), "no Redis")
    })
  })
})

describe("a store that takes its time", () => {
  it.effect("is not away if a record and an admission take longer than the timeout together", () => {
    const network = Network.make()
    const { layer, lines } = logged()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(guarded, "page")
      network.way = Network.slow(280)
      let ran = 0
      const call = runner.run(
        Effect.andThen(
          Effect.sync(() => ran++),
          Effect.fail(bad)
        )
      )
      const reasons = Effect.forEach(Array.from({ length: 4 }), () => Effect.flip(call))
      const ended = yield* after("5 seconds", reasons)
      assert.deepStrictEqual([endedAt(ended), ran], [280 * 6, 2])
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(network.stores, layer)))
  })

  it.effect("takes no more of a call than its deadline leaves, also while an earlier record is under way", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const runner = yield* Distributed.make({ ...guarded, deadline: millis(400) }, "page")
      network.way = Network.slow(280)
      const failed = yield* after("400 millis", Effect.flip(runner.run(Effect.fail(bad))))
      assert.strictEqual(endedAt(failed), 280)
      let ran = 0
      const call = Effect.flip(runner.run(Effect.sync(() => ran++)))
      assert.deepStrictEqual([endedAt(yield* after("400 millis", call)), ran], [800, 0])
      // An interruption ends this wait, too.
      yield* TestClock.adjust("5 seconds")
      yield* Effect.forkChild(Effect.exit(runner.run(Effect.fail(bad))), now)
      yield* TestClock.adjust("290 millis")
      const waiting = yield* Effect.forkChild(call, now)
      const begun = yield* Clock.currentTimeMillis
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* Clock.currentTimeMillis, begun)
      yield* TestClock.adjust("1 second")
    }).pipe(quiet, Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("has a result when its caller calls again, and tells observers", () => {
    const network = Network.make()
    const told: Array<string> = []
    const observer = Observer.layer({ event: (event) => "attempt" in event || told.push(`${event._tag} ${event.key}`) })
    return Effect.gen(function* () {
      const runner = yield* Distributed.make(guarded, "page")
      network.way = Network.slow(100)
      const twice = Effect.andThen(Effect.flip(runner.run(Effect.fail(bad))), Effect.flip(runner.run(Effect.fail(bad))))
      const refused = Effect.map(
        Effect.andThen(twice, Effect.flip(runner.run(Effect.succeed(1)))),
        ({ because }) => because
      )
      assert.deepStrictEqual(yield* after("1 second", refused), ending("breaker" as const, 500))
      yield* TestClock.adjust("5 seconds")
      const again = Effect.andThen(runner.run(Effect.succeed(1)), runner.run(Effect.succeed(2)))
      assert.deepStrictEqual(yield* after("1 second", again), ending(2, 6300))
      assert.deepStrictEqual(told, ["BreakerOpened ", "BreakerClosed "])
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(network.stores, observer)))
  })
})

const cause = new Error("lost")
const lost = new CircuitBreaker.CircuitBreakerError({
  reason: new CircuitBreaker.CircuitBreakerStoreError({ message: "lost", cause })
})
const lostLimit = new RateLimiter.RateLimiterError({
  reason: new RateLimiter.RateLimitStoreError({ message: "lost", cause })
})
