import * as ItemError from "@redrive/core/ItemError"
import type { RetryExhausted } from "@redrive/retry/RetryExhausted"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"

const fixed = { base: Duration.seconds(1), cap: Duration.seconds(8), jitter: "none" as const }

/** A policy whose waits are 1, 2, 4 and 8 seconds. */
export const policyOf = (options: Parameters<typeof RetryPolicy.make>[0] = {}) =>
  RetryPolicy.make({ retries: 3, quick: fixed, steady: fixed, slow: fixed, ...options })

export const failing = (status: number, retryAfter?: Duration.Duration) =>
  new ItemError.ItemError({
    url: "https://example.com/",
    reason: new ItemError.HostReturnedError({ status, ...(retryAfter === undefined ? {} : { retryAfter }) })
  })

/** A failure that may pass. */
export const bad = failing(502)

/** An effect that fails as often as it is told, and notes when it was tried, in milliseconds. */
export const flaky = <E>(failure: E, times = Infinity) => {
  const tried: Array<number> = []
  const effect = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    tried.push(now)
    return tried.length > times ? Effect.succeed("done") : Effect.fail(failure)
  })
  return { tried, effect }
}

/** Runs an effect to its end on the test's clock. */
export const settled = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(Effect.exit(effect))
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
  return yield* Fiber.join(fiber)
})

/** What a call gives up with. */
export const exhausted = Effect.fnUntraced(function* <A, E extends RetryExhausted, R>(effect: Effect.Effect<A, E, R>) {
  const exit = yield* settled(Effect.flip(effect))
  return yield* exit
})
