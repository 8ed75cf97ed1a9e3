import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Retry from "@redrive/retry/Retry"
import * as Effect from "effect/Effect"
import { policyOf, settled } from "./call.ts"

/** Runs a program, and gives the call and the key of each report. */
const reportsOf = <A, E>(program: Effect.Effect<A, E>) => {
  const reports: Array<unknown> = []
  const observer = Observer.layer({
    report: ({ attributes: { call, key } }) => void reports.push(key === undefined ? [call] : [call, key])
  })
  return Effect.map(settled(Effect.provide(program, observer)), () => reports)
}

const down = (message = "no answer") => Object.assign(new Error(message), { code: "ECONNRESET" })

describe("a watched effect in a call that retries", () => {
  it.effect("leaves nothing behind when the call recovers, for another call that fails with the same error", () =>
    Effect.gen(function* () {
      // Programs make errors once, and clients reject everything that waits with one error.
      const one = down()
      let tried = 0
      const flaky = Effect.suspend(() => (++tried < 2 ? Effect.fail(one) : Effect.succeed("done")))
      const first = flaky.pipe(Observer.watch("upload", { key: "customer-1" }), Retry.make(policyOf(), "saving").run())
      const second = Effect.fail(one).pipe(Retry.make(policyOf({ retries: 0 }), "billing").run({ key: "customer-2" }))
      // Nobody watches or reports the second call.
      assert.deepStrictEqual(yield* reportsOf(Effect.andThen(first, Effect.exit(second))), [])
    })
  )

  it.effect("is reported if its failure becomes another error on the way out of the call", () =>
    Effect.gen(function* () {
      const program = Effect.fail(down()).pipe(
        Observer.watch("upload", { key: "customer-1" }),
        Effect.mapError(() => down("the upload failed")),
        Retry.make(policyOf(), "saving").run()
      )
      assert.deepStrictEqual(yield* reportsOf(program), [["upload", "customer-1"]])
    })
  )

  it.effect("is reported if it was forked, so that the call never sees its failure", () =>
    Effect.gen(function* () {
      const apart = Effect.fail(down()).pipe(Observer.watch("refresh"))
      const program = Effect.andThen(Effect.forkDetach(apart), Effect.yieldNow).pipe(
        Retry.make(policyOf(), "saving").run()
      )
      assert.deepStrictEqual(yield* reportsOf(program), [["refresh"]])
    })
  )

  it.effect("is not reported when the call recovers, also if its failure is a text", () =>
    Effect.gen(function* () {
      let tried = 0
      const flaky = Effect.suspend(() => (++tried < 2 ? Effect.fail("no answer") : Effect.succeed("done")))
      const program = flaky.pipe(Observer.watch("upload"), Retry.make(policyOf(), "saving").run())
      const reports = yield* reportsOf(program)
      assert.strictEqual(tried, 2)
      assert.deepStrictEqual(reports, [])
    })
  )
})
