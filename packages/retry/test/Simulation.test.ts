import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Simulation from "@redrive/retry/Simulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { policyOf } from "./call.ts"

const seconds = Duration.seconds
const down = { fails: Verdict.transient("quick") }

describe("a simulation", () => {
  it.effect("counts calls where the policy limits their rate, and knows overrides by code", () =>
    Effect.gen(function* () {
      const rateLimit = { limit: 1, window: seconds(10) }
      const slow = yield* Simulation.run({
        policy: RetryPolicy.make({ rateLimit }),
        dependency: Simulation.always({}),
        calls: 3
      })
      assert.deepStrictEqual(
        slow.calls.map(({ endedAt }) => endedAt),
        [0, 10_000, 20_000]
      )
      const policy = RetryPolicy.make({ overrides: { busy: { giveUp: true } } })
      const busy = Simulation.always({ fails: Verdict.throttled(), code: "busy" })
      assert.strictEqual((yield* Simulation.run({ policy, dependency: busy })).attempts, 1)
    })
  )

  it.effect("of many calls adds them up, and one that cannot end says so", () =>
    Effect.gen(function* () {
      const policy = RetryPolicy.make()
      const many = yield* Simulation.run({ policy, dependency: Simulation.always({}), calls: 150_000 })
      assert.strictEqual(many.succeeded, 150_000)
      assert.include(Simulation.svg({ ...many, calls: many.calls.slice(0, 3) }), "<svg")
      const endless = Simulation.always({ takes: Duration.days(1000) })
      const exit = yield* Effect.exit(Simulation.run({ policy, dependency: endless }))
      assert.include(String(exit), "does not end")
      const broken = () => {
        throw new Error("not a dependency")
      }
      assert.include(String(yield* Effect.exit(Simulation.run({ policy, dependency: broken }))), "not a dependency")
    })
  )

  it.effect("runs the real policy on virtual time", () =>
    Effect.gen(function* () {
      const dependency = Simulation.script(down, { ...down, takes: seconds(5) }, {})
      const result = yield* Simulation.run({ policy: policyOf(), dependency })
      assert.deepStrictEqual(result.calls, [
        {
          client: 0,
          startedAt: 0,
          endedAt: 8000,
          ended: "ok",
          attempts: [
            { startedAt: 0, endedAt: 0, isGood: false },
            { startedAt: 1000, endedAt: 6000, isGood: false },
            { startedAt: 8000, endedAt: 8000, isGood: true }
          ]
        }
      ])
      assert.deepStrictEqual([result.attempts, result.amplification, result.succeeded], [3, 3, 1])
      assert.deepStrictEqual(result.longest, seconds(8))
    })
  )

  it.effect("retries the same failures of a creation as the runner does", () =>
    Effect.gen(function* () {
      const create = policyOf({ operation: "create" })
      const simulated = (fails: Verdict.Verdict, isAmbiguous?: boolean) =>
        Effect.map(
          Simulation.run({ policy: create, dependency: Simulation.script({ fails, isAmbiguous }, {}) }),
          ({ attempts, calls }) => [attempts, calls[0]?.ended]
        )
      assert.deepStrictEqual(yield* simulated(Verdict.throttled()), [2, "ok"])
      assert.deepStrictEqual(yield* simulated(Verdict.transient("quick")), [1, "ambiguous"])
      assert.deepStrictEqual(yield* simulated(Verdict.transient("quick"), false), [2, "ok"])
      assert.deepStrictEqual(yield* simulated(Verdict.throttled(), true), [1, "ambiguous"])
      assert.deepStrictEqual(yield* simulated(Verdict.permanent), [1, "permanent"])
    })
  )

  it.effect("is the same for the same seed, and another for another", () =>
    Effect.gen(function* () {
      const policy = RetryPolicy.make()
      const run = (seed: string) => Simulation.run({ policy, dependency: Simulation.always(down), clients: 3, seed })
      assert.deepStrictEqual(yield* run("a"), yield* run("a"))
      assert.notDeepEqual(yield* run("a"), yield* run("b"))
    })
  )

  it.effect("shows that layers do not multiply attempts, unless they are told to retry by themselves", () =>
    Effect.gen(function* () {
      const always = { dependency: Simulation.always(down), layers: 3 }
      yield* Simulation.expectAmplification({ ...always, policy: policyOf() }, 4)
      const error = yield* Effect.flip(Simulation.expectAmplification({ ...always, policy: policyOf() }, 3))
      assert.strictEqual(error.message, "attempts per call: 4.00, expected at most 3")
    })
  )

  it.effect("shows that a budget bounds what an outage is asked", () =>
    Effect.gen(function* () {
      const load = { clients: 2, calls: 200, every: Duration.millis(100), dependency: Simulation.always(down) }
      const without = yield* Simulation.run({ ...load, policy: policyOf() })
      assert.strictEqual(without.amplification, 4)
      yield* Simulation.expectAmplification({ ...load, policy: policyOf({ budget: "standard" }) }, 1.25)
    })
  )

  it.effect("shows an outage and the recovery from it", () =>
    Effect.gen(function* () {
      const dependency = Simulation.outage({ from: seconds(10), lasts: seconds(10), bad: down })
      const { calls } = yield* Simulation.run({ policy: policyOf(), dependency, calls: 30, every: seconds(1) })
      const lost = calls.filter(({ ended }) => ended !== "ok").map(({ startedAt }) => startedAt / 1000)
      // Who began in the last seven seconds of the outage was saved by the third retry.
      assert.deepStrictEqual(lost, [10, 11, 12])
      assert.isTrue(calls.every(({ attempts }) => attempts.length <= 4))
    })
  )

  it.effect("knows the worst case, every wait being the longest", () =>
    Effect.gen(function* () {
      const policy = RetryPolicy.make({ attemptTimeout: seconds(10) })
      const answer = { fails: Verdict.transient("steady") }
      const { attempts, longest } = yield* Simulation.worst(policy, answer)
      assert.strictEqual(attempts, 4)
      assert.approximately(Duration.toMillis(longest), 4 * 10_000 + 2000 + 4000 + 8000, 1)
      yield* Simulation.expectDuration(policy, answer, seconds(54))
      const error = yield* Effect.flip(Simulation.expectDuration(policy, answer, seconds(53)))
      assert.include(error.message, "milliseconds of the longest call")
      const bounded = yield* Simulation.worst({ ...policy, deadline: seconds(20) }, answer)
      assert.isTrue(Duration.isLessThanOrEqualTo(bounded.longest, seconds(20)))
    })
  )

  it.effect("is a table for people", () =>
    Effect.gen(function* () {
      const dependency = Simulation.script(down, down, {})
      const result = yield* Simulation.run({ policy: policyOf(), dependency })
      assert.deepStrictEqual(Simulation.table(result).split("\n"), [
        "| call | attempts | begun after | ended after | with |",
        "| ---: | ---: | --- | ---: | --- |",
        "| 1 | 3 | 0 s, 1 s, 3 s | 3 s | ok |"
      ])
    })
  )
})
