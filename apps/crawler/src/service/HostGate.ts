/**
 * Leaves a host alone until the time that it named: its pages wait at one gate, without attempts, and one at a time probes.
 *
 * The policy's gates wait for a person to act. Here the host itself opens its gate again, at the time of its Retry-After.
 */
import * as Verdict from "@redrive/core/Verdict"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pauses from "../page/Pauses.ts"

/** How long a host may refuse everything until its pages are given up. */
const patience = Duration.minutes(10)

/** The probe itself waits for the host's time, so it is sent to the gate soon. */
const soon = { kind: "constant", base: Duration.millis(100), cap: Duration.millis(100), jitter: "none" } as const

/** A policy whose calls wait at the gates of their hosts. */
export const policyOf = (policy: RetryPolicy.RetryPolicy): RetryPolicy.RetryPolicy =>
  RetryPolicy.make({ parking: { probe: soon, maximum: patience }, ...policy })

/** Waits until a host's pause is over. A pause that no page would wait for is left to the fetcher, which refuses at once. */
export const ready = Effect.fnUntraced(function* (pause: Pauses.Pause | undefined, policy: RetryPolicy.RetryPolicy) {
  if (pause === undefined || isOutOfPatience(pause)) return
  const wait = pause.until - (yield* Clock.currentTimeMillis)
  if (wait > 0 && wait <= Duration.toMillis(policy.maxRetryAfter)) yield* Effect.sleep(wait)
})

/** The verdict on a page's failure: it waits at the gate where its host said when to come back, unless that is too late. */
export const verdictOf = (
  verdict: Verdict.Verdict,
  pause: Pauses.Pause | undefined,
  policy: RetryPolicy.RetryPolicy
): Verdict.Verdict => {
  const wait = Pauses.waitOf({ verdict })
  if (wait === undefined || pause === undefined || Duration.isGreaterThan(wait, policy.maxRetryAfter)) return verdict
  // An answer for good opens the gate, so that the other pages are given up, too.
  return isOutOfPatience(pause) ? Verdict.permanent : Verdict.parked("its host's Retry-After has passed")
}

const isOutOfPatience = ({ since, until }: Pauses.Pause): boolean => until - since > Duration.toMillis(patience)
