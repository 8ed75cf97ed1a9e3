/**
 * The verdict on a page's failure. A page whose host said when to come back has more retries than others: it does not fail by itself.
 *
 * Parking is no part of it: the gates of a policy are for what a person must do, and their alert says so. A breaker would give up the calls
 * that are to wait.
 */
import * as Verdict from "@redrive/core/Verdict"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Pauses from "../page/Pauses.ts"

/** The retries of a page whose host asks for fewer requests, and says when to come back. */
const mostRefusals = 20

/** A policy that lets a page wait for its host. */
export const policyOf = (policy: RetryPolicy.RetryPolicy): RetryPolicy.RetryPolicy =>
  RetryPolicy.make({ ...policy, retries: Math.max(policy.retries, mostRefusals) })

/** A failure's verdict under such a policy; `retries` are those of all other failures, `pause` is what the page's host asks for. */
export const verdictOf = (
  verdict: Verdict.Verdict,
  retries: number,
  pause: Pauses.Pause | undefined
): Verdict.Verdict => {
  if (verdict._tag === "Transient") return Verdict.transient(verdict.pace, Math.min(verdict.limit ?? retries, retries))
  if (verdict._tag !== "Throttled") return verdict
  if (verdict.retryAfter === undefined) return Verdict.transient("steady", retries)
  return pause !== undefined && Pauses.isHopeless(pause) ? Verdict.permanent : verdict
}
