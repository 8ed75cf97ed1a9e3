import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Failure from "@redrive/core/Failure"
import * as Report from "@redrive/core/Report"
import { type Refused, RetryExhausted } from "../RetryExhausted.ts"
import type * as RetryPolicy from "../RetryPolicy.ts"
import type { Exhausted } from "../Retry.ts"
import { type Call, type Failed, pastOf } from "./call.ts"
import * as telling from "./telling.ts"

/** Ends a call without success; `again` is the wait after which trying would make sense. */
export const giveUp = <A, E, R>(
  call: Call<A, E, R>,
  failure: unknown,
  because: RetryPolicy.Because,
  again?: Duration.Duration
): Effect.Effect<never, Exhausted<E>> => {
  const { clock, name } = call
  const past = pastOf(call)
  past.isOver = true
  telling.gaveUp(call, failure, because)
  const facts = { name, because, attempts: past.failed.map(entryOf), failure }
  const later = again && {
    retryAt: DateTime.makeUnsafe(clock.currentTimeMillisUnsafe() + Duration.toMillis(again)),
    retryAfter: again
  }
  // Nobody threw it: it has a timeline in place of a stack.
  return Effect.fail(Failure.withoutStack(() => new RetryExhausted<Exhausted<E>["failure"]>({ ...facts, ...later })))
}

const entryOf = ({ duration, failure, startedAt, verdict, wait }: Failed) => ({
  startedAt: DateTime.makeUnsafe(startedAt),
  duration: Duration.millis(duration),
  verdict,
  message: Report.make(failure).message,
  ...(wait === undefined ? {} : { wait: Duration.millis(wait) })
})

/** What a call fails with that was never tried. */
export const refused = (because: Refused["because"]): Refused => ({
  _tag: "Refused",
  because,
  message: `refused: ${because}`
})
