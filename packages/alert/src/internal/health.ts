import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import type { Service, SinkError } from "../Sink.ts"
import type { Ledger, State } from "./delivery.ts"

/** How a sink is: how many attempts in a row failed, whether that makes it down, and until when it rests. */
export interface Health {
  readonly succeeded: (now: number) => void
  /** Notes a failure. `random` is from 0 to 1: sinks that failed together are not tried again together. */
  readonly failed: (error: SinkError, now: number, random: number) => void
  /** When the next attempt may be made, in epoch milliseconds. */
  readonly freeAt: () => number
  readonly state: () => Pick<State, "isDown" | "failures" | "lastError">
}

/** A channel that is gone is looked for again after so long. */
const gone = 15 * 60_000

/** No wait grows beyond this. */
const mostBackoff = 5 * 60_000

export const make = (
  name: string,
  sink: Pick<Service, "attempts" | "backoff" | "maxRetryAfter" | "pace">,
  ledger: Pick<Ledger, "attemptFailed" | "down" | "up">
): Health => {
  const attempts = sink.attempts ?? 4
  const backoff = Duration.toMillis(Duration.fromInputUnsafe(sink.backoff ?? 1000))
  const maxRetryAfter = Duration.toMillis(Duration.fromInputUnsafe(sink.maxRetryAfter ?? 86_400_000))
  const pace = Duration.toMillis(Duration.fromInputUnsafe(sink.pace ?? 0))
  let failures = 0
  let isDown = false
  let freeAt = 0
  let lastError: SinkError | undefined

  return {
    succeeded: (now) => {
      failures = 0
      lastError = undefined
      freeAt = now + pace
      const wasDown = isDown
      isDown = false
      if (wasDown) ledger.up(name)
    },
    failed: (error, now, random) => {
      failures++
      lastError = error
      const isGone = error.reason === "gone" || error.reason === "redirect"
      const asked = error.verdict === undefined ? undefined : Verdict.retryAfter(error.verdict)
      const least = asked === undefined ? 0 : Math.min(Duration.toMillis(asked), maxRetryAfter)
      const doubled = Math.min(mostBackoff, backoff * 2 ** Math.min(failures - 1, 30))
      const own = isGone ? gone : doubled * (0.8 + 0.4 * random)
      // A clock counts whole milliseconds: a part of one would be waited for again and again.
      freeAt = now + Math.ceil(Math.max(least, own))
      ledger.attemptFailed(name, error, freeAt)
      if (isDown || (!isGone && failures < attempts)) return
      isDown = true
      ledger.down(name, error)
    },
    freeAt: () => freeAt,
    state: () => ({ isDown, failures, lastError })
  }
}
