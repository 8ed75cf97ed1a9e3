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
      assert.lengthOf(at, 20)
      assert.lengthOf(
        at.filter((millis) => millis <= takes),
        10
      )
      assert.isAtMost(Math.max(...at), 1000 + 2 * takes)
      // One check each, and a reservation for those that wait.
      assert.lengthOf(network.asked, 50)
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
        const rateLimit = { limit, window: seconds(1), maximumWait: seconds(1) }
        const runner = yield* Distributed.make(RetryPolicy.make({ retries: 0, rateLimit }), `${limit}`)
        assert.lengthOf(yield* began(runner, 3 * limit), 2 * limit)
      }
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })

  it.effect("is not longer after interrupted calls, and the next window is unchanged", () => {
    const network = Network.make()
    return Effect.gen(function* () {
      const rateLimit = { limit: 10, window: seconds(1), maximumWait: seconds(1) }
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
      assert.strictEqual(refused.because, "rate limit")
    }).pipe(Effect.scoped, Effect.provide(network.stores))
  })
})
