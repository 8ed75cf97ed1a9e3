import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Distributed from "@redrive/retry/Distributed"
import type * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Program from "@redrive/testing/Program"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as References from "effect/References"
import { bad } from "./call.ts"
import * as Redis from "./fixtures/redis.ts"
import { policy } from "./fixtures/stalled.ts"

const { millis, seconds } = Duration
const storeTimeout = millis(200)
/** The time, in milliseconds, that a busy machine may add. */
const slack = 1500

/** A call's end, and its duration. */
const timed = Effect.fnUntraced(function* <A, E, R>(call: Effect.Effect<A, E, R>) {
  const begun = yield* Clock.currentTimeMillis
  const exit = yield* Effect.exit(call)
  return { exit, took: (yield* Clock.currentTimeMillis) - begun }
})

const succeedsWithin = Effect.fnUntraced(function* <E, R>(most: number, call: Effect.Effect<number, E, R>) {
  const { exit, took } = yield* timed(call)
  assert.deepStrictEqual(exit, Exit.succeed(1))
  assert.isAtMost(took, most + slack)
})

/** A hundred calls in a row wait for no store: if each waited for one timeout, they would take 20 seconds. */
const atOnce = (runner: Retry.Runner) =>
  succeedsWithin(0, Effect.as(Effect.replicateEffect(runner.run(Effect.succeed(1)), 100), 1))

/** Two failures open the breaker, half a second later a success closes it. */
const breaks = Effect.fnUntraced(function* (runner: Retry.Runner, key: string, other: Retry.Runner = runner) {
  for (let n = 0; n < 2; n++)
    assert.strictEqual((yield* Effect.flip(runner.run(Effect.fail(bad), { key }))).because, "retries")
  assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(1), { key }))).because, "breaker")
  assert.strictEqual((yield* Effect.flip(other.run(Effect.succeed(1), { key }))).because, "breaker")
  yield* Effect.sleep("550 millis")
  assert.strictEqual(yield* other.run(Effect.succeed(1), { key }), 1)
  yield* Effect.sleep("50 millis")
  assert.strictEqual(yield* runner.run(Effect.succeed(1), { key }), 1)
})

const runnerOf = Distributed.make(policy, "page", { storeTimeout })
const quiet = Effect.provideService(References.MinimumLogLevel, "None")

const isMissing = Program.isMissing("redis-server", "redis-server")

// Each has a Redis of its own, and waits most of the time.
describe.skipIf(isMissing)("a Redis", { concurrent: true }, () => {
  it.live("that is stopped delays no call beyond the timeout, and is used again when it goes on", () =>
    Effect.gen(function* () {
      const redis = yield* Redis.make
      yield* Effect.gen(function* () {
        const runner = yield* runnerOf
        yield* succeedsWithin(0, runner.run(Effect.succeed(1)))
        yield* succeedsWithin(0, runner.run(Effect.as(redis.stop, 1)))
        const short = yield* timed(Effect.timeoutOption(runner.run(Effect.succeed(1)), "50 millis"))
        assert.isAtMost(short.took, 50 + slack)
        // The limit and the breaker time out one after the other.
        yield* succeedsWithin(400, runner.run(Effect.succeed(1)))
        yield* atOnce(runner)
        yield* redis.resume
        yield* Effect.sleep("1100 millis")
        yield* runner.run(Effect.succeed(1))
        yield* Effect.sleep("50 millis")
        yield* breaks(runner, "again")
      }).pipe(Effect.scoped, Effect.provide(Redis.stores(redis.port)), quiet)
    })
  )

  it.live.each([
    ["no settings", {}],
    ["the advised settings", Redis.advised]
  ] as const)("that is killed and comes back empty: %s", ([, settings]) =>
    Effect.gen(function* () {
      const redis = yield* Redis.make
      yield* Effect.gen(function* () {
        const runner = yield* runnerOf
        for (let n = 0; n < 2; n++) yield* Effect.exit(runner.run(Effect.fail(bad), { key: "open" }))
        yield* succeedsWithin(0, runner.run(Effect.as(redis.kill, 1)))
        yield* succeedsWithin(400, runner.run(Effect.succeed(1)))
        yield* atOnce(runner)
        yield* redis.start
        yield* Effect.sleep("1200 millis")
        yield* runner.run(Effect.succeed(1))
        yield* Effect.sleep("50 millis")
        assert.strictEqual(yield* runner.run(Effect.succeed(1), { key: "open" }), 1)
        yield* breaks(runner, "again")
      }).pipe(Effect.scoped, Effect.provide(Redis.stores(redis.port, settings)), quiet)
    })
  )

  it.live("behind a connection that loses everything is reached again over a new one", () =>
    Effect.gen(function* () {
      const redis = yield* Redis.make
      const line = yield* Redis.line(redis.port)
      yield* Effect.gen(function* () {
        const runner = yield* runnerOf
        yield* runner.run(Effect.succeed(1))
        line.drops = true
        yield* succeedsWithin(400, runner.run(Effect.succeed(1)))
        yield* atOnce(runner)
        yield* Effect.sleep("500 millis")
        line.drops = false
        // The client connects again after a second; on a busy machine the first calls after it may still be on their own.
        yield* Effect.sleep("1 second")
        yield* runner.run(Effect.succeed(1))
        let round = 0
        const again = Effect.suspend(() => breaks(runner, `again ${round++}`))
        yield* Effect.retry(Effect.sandbox(again), Schedule.max([Schedule.spaced("500 millis"), Schedule.recurs(8)]))
      }).pipe(Effect.scoped, Effect.provide(Redis.stores(line.port, Redis.advised)), quiet)
    })
  )

  it.live("that stalls for two runtimes is shared by both again afterwards", () =>
    Effect.gen(function* () {
      const redis = yield* Redis.make
      yield* Effect.gen(function* () {
        const here = yield* Effect.provide(runnerOf, yield* Layer.build(Redis.stores(redis.port)))
        const there = yield* Effect.provide(runnerOf, yield* Layer.build(Redis.stores(redis.port)))
        yield* breaks(here, "a", there)
        yield* redis.stop
        const both = Effect.all([here.run(Effect.succeed(1)), there.run(Effect.succeed(1))], { concurrency: 2 })
        yield* succeedsWithin(400, Effect.as(both, 1))
        yield* redis.resume
        yield* Effect.sleep("1100 millis")
        yield* both
        yield* Effect.sleep("50 millis")
        yield* breaks(there, "b", here)
      }).pipe(Effect.scoped, quiet)
    })
  )

  it.live("lets a process end while it stalls", () =>
    Effect.gen(function* () {
      const redis = yield* Redis.make
      const program = join(import.meta.dirname, "fixtures/stalled.ts")
      const { exit, took } = yield* timed(
        Program.output(process.execPath, [program, `${redis.port}`, `${redis.pid()}`])
      )
      assert.deepStrictEqual(exit, Exit.succeed("during\nbefore\n"))
      assert.isAtMost(took, 6000)
    })
  )
})

// These compute, or count milliseconds.
describe.skipIf(isMissing)("a Redis", () => {
  it.live("that is slow is used, unless it is slower than the timeout", () =>
    Effect.gen(function* () {
      const redis = yield* Redis.make
      const line = yield* Redis.line(redis.port)
      yield* Effect.gen(function* () {
        const runner = yield* runnerOf
        yield* runner.run(Effect.succeed(1))
        line.delay = 20
        yield* breaks(runner, "slow")
        // Each request is well within the bound, an earlier record and an admission together are not.
        line.delay = 65
        yield* breaks(runner, "slower")
        line.delay = 300
        yield* succeedsWithin(400, runner.run(Effect.succeed(1)))
        yield* atOnce(runner)
      }).pipe(Effect.scoped, Effect.provide(Redis.stores(line.port)), quiet)
    })
  )

  it.live("does not count as away while this process is busy", () => {
    const lines: Array<unknown> = []
    const logger = Logger.layer([Logger.make(({ message }) => lines.push(message))])
    return Effect.gen(function* () {
      const redis = yield* Redis.make
      yield* Effect.gen(function* () {
        const runner = yield* runnerOf
        // The first record takes two round trips: its script has to be loaded.
        yield* runner.run(Effect.succeed(1))
        const until = performance.now() + 400
        while (performance.now() < until);
        yield* Effect.sleep("200 millis")
        assert.deepStrictEqual(lines, [])
      }).pipe(Effect.scoped, Effect.provide(Redis.stores(redis.port)))
    }).pipe(Effect.provide(logger))
  })

  it.live("counts for two runtimes that ask at once, and no call waits longer than the maximum", () =>
    Effect.gen(function* () {
      const redis = yield* Redis.make
      // Four turns at once, then one every 500 ms: the fifth is within the wait and the sixth is not, each by 250 ms, which
      // is room for a slow answer of the store (its time is part of the wait).
      const rateLimit = { limit: 4, window: seconds(2), maximumWait: millis(750) }
      const made = Distributed.make(RetryPolicy.make({ retries: 0, rateLimit }), "page")
      yield* Effect.gen(function* () {
        const here = yield* Effect.provide(made, yield* Layer.build(Redis.stores(redis.port)))
        const waited = (runner: Retry.Runner, key: string) => timed(runner.run(Effect.void, { key }))
        const alone = yield* Effect.all(
          Array.from({ length: 80 }, () => waited(here, "alone")),
          { concurrency: 80 }
        )
        assert.strictEqual(alone.filter(({ exit }) => Exit.isSuccess(exit)).length, 5)
        const there = yield* Effect.provide(made, yield* Layer.build(Redis.stores(redis.port)))
        const calls = Array.from({ length: 80 }, (_, n) => waited(n % 2 === 0 ? here : there, "both"))
        const both = yield* Effect.all(calls, { concurrency: 80 })
        assert.strictEqual(both.filter(({ exit }) => Exit.isSuccess(exit)).length, 5)
        for (const { took } of [...alone, ...both]) assert.isAtMost(took, 750 + slack)
      }).pipe(Effect.scoped)
    })
  )
})
