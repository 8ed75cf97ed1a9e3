import { assert, describe, it } from "@effect/vitest"
import * as JobError from "@redrive/core/JobError"
import * as Observer from "@redrive/core/Observer"
import * as Retry from "@redrive/retry/Retry"
import { isRetryExhausted } from "@redrive/retry/RetryExhausted"
import * as Verdict from "@redrive/core/Verdict"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, policyOf, settled } from "./call.ts"

const seconds = Duration.seconds

describe("parking", () => {
  const broke = new JobError.JobError({ operation: "create", reason: new JobError.InsufficientBalance({}) })
  const probe = { kind: "constant", base: seconds(60), cap: seconds(60), jitter: "none" } as const
  const policy = policyOf({ parking: { probe, maximum: Duration.hours(1) } })

  /** An account that is empty until it is topped up, and how often it was asked. */
  const account = () => {
    let isFull = false
    let asked = 0
    const call = Effect.suspend(() => {
      asked++
      return isFull ? Effect.succeed("paid") : Effect.fail(broke)
    })
    return { call, topUp: () => (isFull = true), asked: () => asked }
  }

  it.effect("shuts the gate of a key for all its calls, and one probe opens it", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policy, "create")
      const { asked, call, topUp } = account()
      const fibers = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
        Effect.forkChild(runner.run(call, { key: "acme" }), { startImmediately: true })
      )
      yield* TestClock.adjust("59 seconds")
      // The first was told; the others wait without having asked.
      assert.strictEqual(asked(), 1)
      assert.deepStrictEqual(yield* runner.parked, ["acme"])
      assert.strictEqual(yield* runner.run(Effect.succeed(1), { key: "other" }), 1)
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(asked(), 3)
      topUp()
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["paid", "paid", "paid", "paid", "paid"])
      // Two probes in vain, one that opened the gate, and the four that had waited.
      assert.strictEqual(asked(), 3 + 1 + 4)
      assert.isEmpty(yield* runner.parked)
    })
  )

  it.effect("ends at once when somebody resumes it", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policy)
      const { call, topUp } = account()
      const fiber = yield* Effect.forkChild(runner.run(call), { startImmediately: true })
      topUp()
      yield* runner.resume()
      assert.strictEqual(yield* Fiber.join(fiber), "paid")
    })
  )

  it.effect("has a longest wait, and does not count against the retries", () =>
    Effect.gen(function* () {
      const bounded = policyOf({ retries: 1, parking: { probe, maximum: Duration.minutes(5) } })
      const error = yield* exhausted(Retry.make(bounded).run(account().call))
      assert.strictEqual(error.because, "parked_too_long")
      assert.strictEqual(error.failure, broke)
      const { call, topUp } = account()
      const fiber = yield* Effect.forkChild(Retry.make(bounded).run(call), { startImmediately: true })
      yield* TestClock.adjust("3 minutes")
      topUp()
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), "paid")
    })
  )

  it.effect("counts against the deadline, for the call that shuts the gate and for those that find it shut", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ deadline: seconds(30), parking: { probe } }))
      const first = yield* exhausted(runner.run(account().call))
      assert.deepStrictEqual(
        [first.because, first.failure, yield* Clock.currentTimeMillis],
        ["deadline", broke, 30_000]
      )
      const second = yield* exhausted(runner.run(account().call))
      assert.deepStrictEqual(second.verdict, Verdict.parked("top up"))
      assert.deepStrictEqual([second.because, yield* Clock.currentTimeMillis], ["deadline", 60_000])
    })
  )

  it.effect("forgets the gates of keys that are not used again", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ deadline: seconds(1), parking: { probe, maximum: Duration.hours(1) } }))
      const keys = Array.from({ length: 5300 }, (_, index) => `key ${index}`)
      const park = (some: ReadonlyArray<string>) =>
        settled(
          Effect.forEach(some, (key) => Effect.exit(runner.run(Effect.fail(broke), { key })), {
            concurrency: "unbounded"
          })
        )
      yield* park(keys.slice(0, 5000))
      yield* park(keys.slice(5000))
      const parked = yield* runner.parked
      assert.lengthOf(parked, 5000)
      assert.include(parked, keys.at(-1))
      yield* TestClock.adjust("3 hours")
      yield* park(keys.slice(0, 1000))
      assert.isAtMost((yield* runner.parked).length, 1000)
    })
  )

  it.effect("is bounded for each call by itself: who comes when the others have given up may probe", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policy)
      const { call, topUp } = account()
      assert.strictEqual((yield* exhausted(runner.run(call))).because, "parked_too_long")
      topUp()
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* runner.run(call), "paid")
      assert.isEmpty(yield* runner.parked)
    })
  )

  it.effect("lasts while probes fail, whatever they fail with, and the others wait on", () =>
    Effect.gen(function* () {
      const runner = Retry.make({ ...policy, retries: 1 })
      let answer: unknown = broke
      let asked = 0
      const call = Effect.suspend(() => (asked++, answer === undefined ? Effect.succeed("paid") : Effect.fail(answer)))
      const fibers = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
        Effect.forkChild(Effect.exit(runner.run(call)), { startImmediately: true })
      )
      answer = bad
      yield* TestClock.adjust("90 seconds")
      // One of them went ahead, tried twice, and gave up.
      assert.strictEqual(asked, 1 + 2)
      assert.deepStrictEqual(yield* runner.parked, [""])
      answer = undefined
      yield* TestClock.adjust("60 seconds")
      const exits = yield* Fiber.joinAll(fibers)
      assert.lengthOf(exits.filter(Exit.isSuccess), 4)
    })
  )

  it.effect("ends when a probe is answered that no retry can help: nobody has to act any more", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policy)
      let answer: object = broke
      const call = Effect.suspend(() => Effect.fail(answer))
      const fiber = yield* Effect.forkChild(exhausted(runner.run(call)), { startImmediately: true })
      answer = { isRetryable: false }
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).because, "permanent")
      assert.isEmpty(yield* runner.parked)
    })
  )

  it.effect("lets a probe go that has a place as everybody must", () =>
    Effect.gen(function* () {
      const runner = Retry.make({ ...policy, bulkhead: { concurrent: 1, queue: 5 } })
      const { call, topUp } = account()
      const parked = yield* Effect.forkChild(runner.run(call, { key: "a" }), { startImmediately: true })
      const busy = yield* Effect.forkChild(runner.run(Effect.never, { key: "b" }), { startImmediately: true })
      topUp()
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(parked.pollUnsafe())
      yield* Fiber.interrupt(busy)
      assert.strictEqual(yield* Fiber.join(parked), "paid")
    })
  )

  it.effect("of a call within another one's lasts no longer than that one", () =>
    Effect.gen(function* () {
      const outer = Retry.make(policyOf({ deadline: seconds(10) }))
      const error = yield* exhausted(outer.run(Retry.make(policy).run(account().call)))
      assert.isTrue(isRetryExhausted(error.failure) && error.failure.because === "deadline")
    })
  )

  it.effect("does not happen to a code that the policy gives up", () =>
    Effect.gen(function* () {
      const overrides = { insufficient_balance: { giveUp: true } } as const
      const { asked, call } = account()
      const error = yield* exhausted(Retry.make({ ...policy, overrides }).run(call))
      assert.deepStrictEqual([error.because, asked()], ["permanent", 1])
    })
  )

  it.effect("leaves no timer behind when the last who waited is gone", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policy)
      const fiber = yield* Effect.forkChild(runner.run(account().call), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      const { asked, call, topUp } = account()
      topUp()
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(asked(), 0)
      assert.strictEqual(yield* runner.run(call), "paid")
    })
  )

  it.effect("goes on when the one who probed is interrupted", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policy)
      const { call, topUp } = account()
      let isSlow = false
      const slow = Effect.suspend(() => (isSlow ? Effect.never : call))
      const first = yield* Effect.forkChild(runner.run(slow), { startImmediately: true })
      const second = yield* Effect.forkChild(runner.run(call), { startImmediately: true })
      isSlow = true
      yield* TestClock.adjust("60 seconds")
      topUp()
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* Fiber.join(second), "paid")
    })
  )

  it.effect("is told of, once when the gate shuts and once when it opens", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.layer({
        event: (event) => "attempt" in event || told.push(`${event._tag} ${event.key}`)
      })
      const runner = Retry.make(policy)
      const { call, topUp } = account()
      const program = Effect.gen(function* () {
        const fibers = yield* Effect.forEach([1, 2], () =>
          Effect.forkChild(runner.run(call, { key: "acme" }), { startImmediately: true })
        )
        topUp()
        yield* runner.resume("acme")
        yield* Fiber.joinAll(fibers)
      })
      yield* Effect.provide(program, observer)
      assert.deepStrictEqual(told, ["Parked acme", "Resumed acme"])
    })
  )

  it.effect("does not happen without a gate: who is parked gives up", () =>
    Effect.gen(function* () {
      const error = yield* exhausted(Retry.make(policyOf()).run(account().call))
      assert.strictEqual(error.because, "parked")
    })
  )
})
