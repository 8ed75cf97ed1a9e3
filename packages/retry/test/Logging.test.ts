import { assert, describe, it } from "@effect/vitest"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { bad, exhausted, failing, flaky, policyOf, settled } from "./call.ts"

describe("a logger that throws fails no call that", () => {
  let lines = 0
  const logger = Logger.make(() => {
    lines++
    throw new Error("the disk is full")
  })
  const logging = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const before = lines
      const result = yield* Effect.provide(self, Logger.layer([logger]))
      assert.isAbove(lines, before, "nothing was logged")
      return result
    })

  it.effect("has a policy made anew", () =>
    Effect.gen(function* () {
      const calls = Effect.forEach(Array.from({ length: 12 }), () =>
        Retry.retry(Effect.succeed(1), policyOf({ bulkhead: { concurrent: 7 } }))
      )
      assert.lengthOf(yield* logging(calls), 12)
    })
  )

  it.effect("runs within another policy", () =>
    Effect.gen(function* () {
      const policy = policyOf({ retries: 1 })
      const nested = flaky(failing(502)).effect.pipe(Retry.retry(policy, { name: "inner" }), Retry.retry(policy))
      assert.strictEqual((yield* logging(exhausted(nested))).because, "retries")
    })
  )

  it.effect("is a redrive whose callbacks die", () =>
    Effect.gen(function* () {
      const callback = () => Effect.die("no")
      const batch = ["a", "b"].map((item) => ({ item, error: bad }))
      const run = Redrive.run(batch, { policy: policyOf(), each: Effect.succeed, onItem: callback, onPlan: callback })
      const outcome = yield* yield* logging(settled(run))
      assert.deepStrictEqual(
        outcome.saved.map(({ item }) => item),
        ["a", "b"]
      )
    })
  )
})
