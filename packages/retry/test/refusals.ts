import * as Report from "@redrive/core/Report"
import * as Retry from "@redrive/retry/Retry"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { bad, exhausted, policyOf } from "./call.ts"

/** Opens after one failure, for five seconds. */
export const breaker = {
  trip: { _tag: "Consecutive", failures: 1 },
  openFor: { base: Duration.seconds(5), cap: Duration.seconds(5), jitter: "none" }
} as const

/** A runner, and what opens its breaker of a key. */
export const tripping = (name: string) => {
  const runner = Retry.make(policyOf({ retries: 0, breaker }), name)
  return { runner, trip: (key?: string) => exhausted(runner.run(Effect.fail(bad), { key })) }
}

/** What a call fails with whose breaker is open. */
export const refusedBy = Effect.fnUntraced(function* (name: string, key?: string) {
  const { runner, trip } = tripping(name)
  yield* trip(key)
  return yield* exhausted(runner.run(Effect.succeed(1), { key }))
})

/** What a call fails with that does not end within five seconds. */
export const timedOut = (name: string, key?: string, retries = 0) =>
  exhausted(Retry.make(policyOf({ retries, attemptTimeout: Duration.seconds(5) }), name).run(Effect.never, { key }))

/** The facts that a report shows of a call. */
export const factsOf = (failure: unknown): Report.Fields => Report.make(failure).attributes
