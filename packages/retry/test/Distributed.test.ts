import { assert, describe, it } from "@effect/vitest"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Verdict from "@redrive/core/Verdict"
import * as Observer from "@redrive/core/Observer"
import * as Distributed from "@redrive/retry/Distributed"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Program from "@redrive/testing/Program"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import process from "node:process"
import { join } from "node:path"
import { bad, exhausted, failing, flaky, policyOf } from "./call.ts"
import * as Network from "./fixtures/network.ts"
import { policy as sharedPolicy } from "./fixtures/neighbour.ts"

const seconds = Duration.seconds
const now = { startImmediately: true }
const constant = (base: Duration.Duration) => ({ kind: "constant", base, cap: base, jitter: "none" }) as const

describe("a rate limit", () => {
  const rateLimit = { limit: 2, window: seconds(10), maximumWait: seconds(8) }

  /** Starts calls that note when they ran, in seconds. */
  const calls = (runner: Retry.Runner, count: number) => {
    const ran: Array<number> = []
    const call = Effect.map(Clock.currentTimeMillis, (at) => ran.push(at / 1000))
    const start = Effect.forEach(Array.from({ length: count }), () =>
      Effect.forkChild(Effect.exit(runner.run(call)), now)
    )
    return { ran, start }
  }

  it.effect("lets calls begin at its pace after a burst, each in its turn", () =>
    Effect.gen(function* () {
      const { ran, start } = calls(yield* Distributed.make(policyOf({ rateLimit }), "page"), 3)
      yield* start
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(ran, [0, 0, 5])
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect("refuses who would wait too long, says when to come back, and counts nothing for it", () =>
    Effect.gen(function* () {
      const runner = yield* Distributed.make(policyOf({ rateLimit }), "page")
      const { ran, start } = calls(runner, 3)
      yield* start
      const error = yield* Effect.flip(runner.run(Effect.succeed(1)))
      assert.deepStrictEqual([error.because, error.attempts.length], ["rate_limit", 0])
      assert.strictEqual(error.retryAt && DateTime.toEpochMillis(error.retryAt), 10_000)
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(ran, 3)
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect("is each key's own, and does not count retries", () =>
    Effect.gen(function* () {
      const runner = yield* Distributed.make(policyOf({ rateLimit: { ...rateLimit, limit: 1 } }), "page")
      const { effect, tried } = flaky(bad, 3)
      const call = yield* Effect.forkChild(runner.run(effect, { key: "a" }), now)
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(yield* Fiber.join(call), "done")
      assert.deepStrictEqual(tried, [0, 1000, 3000, 7000])
      assert.strictEqual(yield* runner.run(Effect.succeed(1), { key: "b" }), 1)
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect("does not let a call wait that could not end in time", () =>
    Effect.gen(function* () {
      const outer = Retry.make(policyOf({ deadline: seconds(3) }))
      const inner = yield* Distributed.make(policyOf({ rateLimit: { ...rateLimit, limit: 1 } }), "page")
      yield* inner.run(Effect.succeed(1))
      const error = yield* Effect.flip(outer.run(inner.run(Effect.succeed(1))))
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      assert.include(error.message, "rate limit")
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect("gives back the place of who is interrupted while waiting", () =>
    Effect.gen(function* () {
      const bulkhead = { concurrent: 1 }
      const runner = yield* Distributed.make(
        policyOf({ bulkhead, rateLimit: { limit: 1, window: seconds(5) } }),
        "page"
      )
      yield* runner.run(Effect.succeed(1))
      const waiting = yield* Effect.forkChild(runner.run(Effect.succeed(2)), now)
      assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(3)))).because, "bulkhead")
      yield* Fiber.interrupt(waiting)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* runner.run(Effect.succeed(4)), 4)
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it("is not forgotten by a runner that has nobody to count for it", () => {
    assert.throws(() => Retry.make(policyOf({ rateLimit }), "page"), /rateLimit.*Distributed/)
  })
})

describe("a shared breaker", () => {
  const breaker = { trip: { _tag: "Consecutive", failures: 2 }, openFor: constant(seconds(5)) } as const

  it.effect("is one for all runners of a name, and tells who listens", () => {
    const told: Array<string> = []
    const observer = Observer.layer({ event: (event) => "attempt" in event || told.push(`${event._tag} ${event.key}`) })
    return Effect.gen(function* () {
      const here = yield* Distributed.make(policyOf({ breaker }), "page")
      const there = yield* Distributed.make(policyOf({ breaker }), "page")
      const other = yield* Distributed.make(policyOf({ breaker }), "other")
      const { effect, tried } = flaky(bad)
      const error = yield* exhausted(here.run(effect, { key: "a" }))
      assert.deepStrictEqual([error.because, tried.length, error.failure], ["breaker", 2, bad])
      const refused = yield* Effect.flip(there.run(Effect.succeed(1), { key: "a" }))
      assert.deepStrictEqual([refused.because, refused.attempts.length], ["breaker", 0])
      assert.isDefined(refused.retryAt)
      assert.strictEqual(yield* there.run(Effect.succeed(1), { key: "b" }), 1)
      assert.strictEqual(yield* other.run(Effect.succeed(1), { key: "a" }), 1)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* there.run(Effect.succeed(1), { key: "a" }), 1)
      assert.strictEqual(yield* here.run(Effect.succeed(2), { key: "a" }), 2)
      assert.deepStrictEqual(told, ["BreakerOpened a", "BreakerClosed a"])
    }).pipe(Effect.provide(Layer.merge(Distributed.layerMemory, observer)))
  })

  it.effect("does not open for what is the caller's own doing, or for interruption", () =>
    Effect.gen(function* () {
      const runner = yield* Distributed.make(policyOf({ breaker }), "page")
      for (let n = 0; n < 5; n++) yield* Effect.exit(runner.run(Effect.fail(failing(404))))
      for (let n = 0; n < 5; n++)
        yield* Effect.flatMap(Effect.forkChild(runner.run(Effect.never), now), Fiber.interrupt)
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect.each([
    ["a permanent failure, which is an answer", Effect.fail(failing(404)), true],
    ["a failure that waits for a person", Effect.fail({ verdict: Verdict.parked("top up") }), false],
    [
      "a permanent failure next to a defect",
      Effect.failCause(Cause.combine(Cause.fail(failing(404)), Cause.die(1))),
      false
    ],
    ["an interruption", Effect.interrupt, false]
  ] as const)("closes by a probe that ends with an answer, and a local one likewise: %s", ([, ended, isClosed]) =>
    Effect.gen(function* () {
      const policy = RetryPolicy.make({ retries: 0, breaker })
      const slow = Effect.as(Effect.sleep("1 second"), 1)
      for (const runner of [yield* Distributed.make(policy, "page"), Retry.make(policy, "page")]) {
        for (let n = 0; n < 2; n++) yield* Effect.exit(runner.run(Effect.fail(bad)))
        yield* TestClock.adjust("5 seconds")
        yield* Effect.exit(runner.run<number, unknown, never>(ended))
        const calls = yield* Effect.forkChild(
          Effect.forEach([1, 2, 3], () => Effect.exit(runner.run(slow)), { concurrency: 3 }),
          now
        )
        yield* TestClock.adjust("1 second")
        // A half-open breaker lets one call through at a time.
        assert.lengthOf((yield* Fiber.join(calls)).filter(Exit.isSuccess), isClosed ? 3 : 1)
      }
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect("does not close by a probe without time for an attempt", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let busy = 0n
      const late = { ...clock, monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + busy }
      const policy = RetryPolicy.make({ retries: 0, breaker, deadline: seconds(1) })
      const runner = yield* Distributed.make(policy, "page")
      for (let n = 0; n < 2; n++) yield* Effect.exit(runner.run(Effect.fail(bad)))
      yield* TestClock.adjust("5 seconds")
      // The process is busy while the store's answer arrives.
      network.way = (request) => Effect.tap(request, () => Effect.sync(() => (busy = 1_000_000_000n)))
      const probe = runner.run(Effect.succeed(1)).pipe(Effect.provideService(Clock.Clock, late))
      assert.strictEqual((yield* Effect.flip(probe)).because, "deadline")
      network.way = Network.good
      const both = Effect.forEach([1, 2], () => Effect.exit(runner.run(Effect.yieldNow)), { concurrency: 2 })
      assert.lengthOf((yield* both).filter(Exit.isSuccess), 1)
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("stays open as long as a Retry-After asks for", () =>
    Effect.gen(function* () {
      const runner = yield* Distributed.make(RetryPolicy.make({ retries: 0, breaker }), "page")
      const busy = { retryAfter: seconds(60), isRetryable: true }
      yield* Effect.exit(runner.run(Effect.fail(busy)))
      yield* Effect.exit(runner.run(Effect.fail(busy)))
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(1)))).because, "breaker")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
    }).pipe(Effect.provide(Distributed.layerMemory))
  )

  it.effect.each([
    ["trip", { trip: { _tag: "TimeWindow", length: seconds(5), rate: 0.5, minimum: 5 } }],
    ["slowerThan", { slowerThan: seconds(1) }],
    ["probes", { probes: 2 }]
  ] as const)("refuses what cannot be shared: %s", ([field, breaker]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Distributed.make(RetryPolicy.make({ breaker }), "page"))
      assert.match(error.message, new RegExp(`^breaker.${field}.*: a shared breaker`))
    }).pipe(Effect.scoped, Effect.provide(Distributed.layerMemory))
  )
})

describe("a runner's name", () => {
  const breaker = { trip: { _tag: "Consecutive", failures: 1 }, openFor: constant(seconds(5)) } as const
  const rateLimit = { limit: 1, window: seconds(10), maximumWait: seconds(0) }

  it.effect("keeps its state apart from others', and is no part of the keys in events", () => {
    const told: Array<string> = []
    const observer = Observer.layer({
      event: (event) => "attempt" in event || told.push(`${event._tag} ${event.name} ${event.key}`)
    })
    return Effect.gen(function* () {
      const policy = RetryPolicy.make({ retries: 0, breaker, rateLimit })
      const places = [
        ["a", "b:c"],
        ["a:b", "c"],
        ["a%3Ab", "c"],
        ["a%253Ab", "c"],
        ["", "a:b:c"],
        ["a:", "b:c"],
        ["\ud800", "c"]
      ] as const
      for (const [name, key] of places) {
        const runner = yield* Distributed.make(policy, name)
        assert.strictEqual((yield* Effect.flip(runner.run(Effect.fail(bad), { key }))).because, "retries")
      }
      assert.deepStrictEqual(
        told,
        places.map(([name, key]) => `BreakerOpened ${name} ${key}`)
      )
    }).pipe(Effect.provide(Layer.merge(Distributed.layerMemory, observer)))
  })
})

describe.skipIf(Program.isMissing("redis-server", "redis-server"))("two processes and a Redis", () => {
  const redis = Effect.gen(function* () {
    const port = yield* Program.freePort
    const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    return { port, server: Program.run("redis-server", { args, port }) }
  })

  const stores = (port: number) =>
    Distributed.layerRedis({ prefix: "test:" }).pipe(
      Layer.provide(NodeRedis.layer({ disableOfflineQueue: true, socket: { host: "127.0.0.1", port } }))
    )

  /** What another process is told when it makes calls under the same name. */
  const neighbour = (port: number, ...calls: ReadonlyArray<string>) =>
    Effect.map(
      Program.output(process.execPath, [join(import.meta.dirname, "fixtures/neighbour.ts"), `${port}`, ...calls]),
      (text) => text.trim().split("\n")
    )

  it.live("share a breaker: what one has opened the other finds open, and either may close", () =>
    Effect.gen(function* () {
      const { port, server } = yield* redis
      yield* server
      yield* Effect.gen(function* () {
        const runner = yield* Distributed.make(sharedPolicy, "page")
        const call = runner.run(Effect.succeed(1), { key: "a" })
        assert.strictEqual(yield* call, 1)
        assert.deepStrictEqual(yield* neighbour(port, "fail a", "fail a", "succeed a"), [
          "retries",
          "retries",
          "breaker"
        ])
        assert.strictEqual((yield* Effect.flip(call)).because, "breaker")
        assert.strictEqual(yield* runner.run(Effect.succeed(2), { key: "b" }), 2)
        yield* Effect.sleep("1100 millis")
        assert.strictEqual(yield* call, 1)
        // The probe has its result before the store does.
        yield* Effect.sleep("50 millis")
        assert.deepStrictEqual(yield* neighbour(port, "succeed a"), ["ok"])
      }).pipe(Effect.scoped, Effect.provide(stores(port)))
    })
  )

  it.live("share a rate limit", () =>
    Effect.gen(function* () {
      const { port, server } = yield* redis
      yield* server
      yield* Effect.gen(function* () {
        const runner = yield* Distributed.make(sharedPolicy, "page")
        const call = runner.run(Effect.succeed(1), { key: "limited" })
        for (let n = 0; n < 4; n++) yield* call
        const told = yield* neighbour(port, ...Array.from({ length: 8 }, () => "succeed limited"))
        assert.deepStrictEqual(told, ["ok", "ok", "ok", "ok", "ok", "ok", "rate_limit", "rate_limit"])
        assert.strictEqual((yield* Effect.flip(call)).because, "rate_limit")
      }).pipe(Effect.scoped, Effect.provide(stores(port)))
    })
  )

  it.live("keep the rate limits of all keys apart", () =>
    Effect.gen(function* () {
      const { port, server } = yield* redis
      yield* server
      yield* Effect.gen(function* () {
        const rateLimit = { limit: 2, window: Duration.minutes(10), maximumWait: seconds(0) }
        const runner = yield* Distributed.make(RetryPolicy.make({ retries: 0, rateLimit }), "page")
        for (const key of ["a", "a:refill", ":refill", "", ":", "a:"])
          for (const ended of ["ok", "ok", "rate_limit"]) {
            const call = runner.run(Effect.succeed("ok"), { key })
            assert.strictEqual(yield* Effect.catch(call, ({ because }) => Effect.succeed(because)), ended)
          }
      }).pipe(Effect.scoped, Effect.provide(stores(port)))
    })
  )

  it.live("a call whose store is gone goes through unguarded", () =>
    Effect.gen(function* () {
      const { port, server } = yield* redis
      yield* Effect.gen(function* () {
        const store = yield* Effect.forkChild(Effect.scoped(Effect.andThen(server, Effect.never)), now)
        yield* Effect.sleep("300 millis")
        yield* Effect.gen(function* () {
          const runner = yield* Distributed.make(sharedPolicy, "page")
          assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
          yield* Fiber.interrupt(store)
          assert.deepStrictEqual(yield* Effect.exit(runner.run(Effect.succeed(2))), Exit.succeed(2))
        }).pipe(Effect.scoped, Effect.provide(stores(port)))
      }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
    })
  )
})
