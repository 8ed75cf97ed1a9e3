import { assert, describe, it } from "@effect/vitest"
import * as Distributed from "@redrive/retry/Distributed"
import type * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Network from "./fixtures/network.ts"

const { millis, seconds } = Duration
const now = { startImmediately: true }

describe("the longest wait for a turn", () => {
  /** Starts calls at once, and returns when the admitted ones began. */
  const began = Effect.fnUntraced(function* (runner: Retry.Runner, count: number, key = "") {
    const at: Array<number> = []
    const call = Effect.map(Clock.currentTimeMillis, (millis) => at.push(millis))
    const all = yield* Effect.forEach(Array.from({ length: count }), () =>
      Effect.forkChild(Effect.exit(runner.run(call, { key })), now)
    )
    yield* TestClock.adjust("10 seconds")
    assert.isTrue(all.every((fiber) => fiber.pollUnsafe() !== undefined))
    return at
  })

  it.effect.each([
    ["good", Network.good, 0],
    ["slow", Network.slow(3), 3],
    ["late", Network.late(3), 3]
  ] as const)("holds for calls that ask at once: %s", ([, way, takes]) => {
    const network = Network.make()
    return Effect.gen(function* () {
      network.way = way
      const rateLimit = { limit: 10, window: seconds(1), maximumWait: seconds(1) }
      const runner = yield* Distributed.make(RetryPolicy.make({ retries: 0, rateLimit }), "page")
      const at = yield* began(runner, 40)
      // The time that the store takes is part of the wait: on a slow line, the last turn comes too late.
      const waited = takes === 0 ? 10 : 9
      assert.lengthOf(at, 10 + waited)
      assert.lengthOf(
        at.filter((millis) => millis <= takes),
        10
      )
      assert.isAtMost(Math.max(...at), 1000)
      // One check each, and a reservation for those that wait.
      assert.lengthOf(network.asked, 40 + waited)
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("also holds for a fixed window, and for limits that do not divide it", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      network.way = Network.slow(3)
      const fixed = { limit: 10, window: seconds(1), maximumWait: millis(1200), algorithm: "fixed-window" } as const
      const windows = yield* Distributed.make(RetryPolicy.make({ retries: 0, rateLimit: fixed }), "windows")
      assert.isAtMost(Math.max(...(yield* began(windows, 40))), 1210)
      for (const limit of [3, 7]) {
        const rateLimit = { limit, window: seconds(1), maximumWait: millis(1006) }
        const runner = yield* Distributed.make(RetryPolicy.make({ retries: 0, rateLimit }), `${limit}`)
        assert.lengthOf(yield* began(runner, 3 * limit), 2 * limit)
      }
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("is not longer after interrupted calls, and the next window is unchanged", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const rateLimit = { limit: 10, window: seconds(1), maximumWait: millis(1006) }
      const runner = yield* Distributed.make(RetryPolicy.make({ retries: 0, rateLimit }), "page")
      yield* began(runner, 10)
      yield* Effect.forEach(Array.from({ length: 10 }), () => runner.run(Effect.void))
      network.way = Network.slow(3)
      const waiting = yield* Effect.forEach(Array.from({ length: 10 }), () =>
        Effect.forkChild(runner.run(Effect.void), now)
      )
      // Interrupted before their check, so nothing is reserved for them.
      yield* Fiber.interruptAll(waiting)
      assert.lengthOf(yield* began(runner, 20), 10)
      assert.lengthOf(yield* began(runner, 40), 20)
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })

  it.effect.each([
    ["deadline", { deadline: millis(400) }, 370, 30_000, 370],
    ["maximum", {}, 400, 1000, 400],
    ["maximum", {}, 400, 1400, 1400],
    ["maximum", {}, 400, 1399, 400]
  ] as const)("includes the time that the store takes: %s", ([, policy, takes, most, ended]) => {
    const network = Network.make()
    return Effect.gen(function* () {
      const rateLimit = { limit: 10, window: seconds(10), maximumWait: millis(most) }
      const runner = yield* Distributed.make(RetryPolicy.make({ ...policy, retries: 0, rateLimit }), "page")
      yield* Effect.forEach(Array.from({ length: 10 }), () => runner.run(Effect.void))
      const asked = network.asked.length
      network.way = Network.late(takes)
      const call = Effect.exit(runner.run(Effect.void))
      const fiber = yield* Effect.forkChild(Effect.zip(call, Clock.currentTimeMillis), now)
      yield* TestClock.adjust("5 seconds")
      const [exit, at] = yield* Fiber.join(fiber)
      assert.deepStrictEqual([Exit.isSuccess(exit), at], [ended === 1400, ended])
      // A refused call has only looked: its turn is not lost.
      assert.lengthOf(network.asked, asked + (ended === 1400 ? 2 : 1))
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("does not waste a turn that has come, although the store took long to give it", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const rateLimit = { limit: 10, window: seconds(10), maximumWait: millis(1100) }
      const policy = RetryPolicy.make({ retries: 0, rateLimit })
      const runner = yield* Distributed.make(policy, "page", { storeTimeout: seconds(2) })
      yield* Effect.forEach(Array.from({ length: 10 }), () => runner.run(Effect.void))
      network.way = Network.slow(450)
      const fiber = yield* Effect.forkChild(Effect.andThen(runner.run(Effect.void), Clock.currentTimeMillis), now)
      network.way = Network.slow(700)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 1150)
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("refuses a call if another process was quicker", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const rateLimit = { limit: 1, window: seconds(1), maximumWait: seconds(1) }
      const policy = RetryPolicy.make({ retries: 0, rateLimit })
      // Two runners with one name know as little of each other as two processes.
      const here = yield* Distributed.make(policy, "page")
      const there = yield* Distributed.make(policy, "page")
      yield* here.run(Effect.void)
      network.way = Network.slow(3)
      const ours = yield* Effect.forkChild(Effect.exit(here.run(Clock.currentTimeMillis)), now)
      const theirs = yield* Effect.forkChild(Effect.exit(Effect.flip(there.run(Effect.void))), now)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(ours.pollUnsafe(), Exit.succeed(Exit.succeed(1000)))
      const refused = yield* yield* Fiber.join(theirs)
      assert.strictEqual(refused.because, "rate_limit")
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })
})
