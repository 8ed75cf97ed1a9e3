/**
 * The longest that one call may take: every attempt fails, and every random wait is the longest possible.
 */
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "@redrive/retry/Backoff"
import type * as Because from "@redrive/retry/Because"
import * as CallState from "@redrive/retry/CallState"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Simulation from "@redrive/retry/Simulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** How the dependency fails: it answers at once, as late as it may, with the longest Retry-After, or until a person acts. */
export type How = "down" | "late" | "throttled" | "parked"

/** The worst case of one kind of failure. Times are in milliseconds after the begin of the call. */
export interface Worst {
  readonly how: How
  /** The pace of the failures, where their verdict has one. */
  readonly pace?: Verdict.Pace
  readonly attempts: number
  /** When the call gives up; `null` if nothing ends it. */
  readonly lasts: number | null
  /** Why it gives up; `hangs` if it does not, `cut` if its attempts were too many to be counted. */
  readonly because: Because.Because | "ok" | "hangs" | "cut"
  /** The first attempts, for a picture. */
  readonly bars: ReadonlyArray<{ readonly from: number; readonly to: number }>
  /** Whether it was computed from the retries alone because a simulation would take too long, and so is an upper bound. */
  readonly isBound: boolean
}

/** A call that is simulated makes no more attempts and takes no longer; others are computed. */
const simulated = { attempts: 1000, lasts: Duration.toMillis("30 days") }

/** Attempts after which a computation ends. */
const computed = 100_000

/** Attempts of a picture. */
const drawn = 120

const unlucky = 1 - Number.EPSILON / 2

/** A creation is retried only after failures that cannot have carried it out, and then as any other call. */
export const retried = (policy: RetryPolicy.RetryPolicy): RetryPolicy.RetryPolicy =>
  policy.operation === "create" ? { ...policy, operation: "idempotent" } : policy

/** The probes of a gate that stays shut for as long as a call waits. */
const probesOf = (backoff: Backoff.Backoff, atMost: number): number => {
  let waited = { previous: 0, total: 0 }
  for (let probe = 1; probe <= computed; probe++) {
    const previous = Duration.toMillis(Backoff.delay(backoff, probe, unlucky, waited))
    waited = { previous, total: waited.total + previous }
    if (waited.total >= atMost) return probe - 1
  }
  return computed
}

/** The worst case of a call that shares nothing with others, by its retries and waits alone. */
export const bound = (
  policy: RetryPolicy.RetryPolicy,
  failed: Pick<CallState.FailedAttempt, "verdict" | "code" | "detail">,
  takes: number
): Pick<Worst, "attempts" | "lasts" | "because" | "bars"> & { readonly lasts: number } => {
  const bars: Array<{ readonly from: number; readonly to: number }> = []
  const deadline = policy.deadline === undefined ? Infinity : Duration.toMillis(policy.deadline)
  let state = CallState.start
  let now = 0
  for (let attempts = 1; ; attempts++) {
    const to = Math.min(now + takes, deadline)
    if (bars.length < drawn) bars.push({ from: now, to })
    if (now + takes > deadline) return { attempts, lasts: deadline, because: "deadline", bars }
    const next = CallState.next(policy, state, { ...failed, elapsed: to, random: unlucky, isAmbiguous: false })
    if (next._tag === "GiveUp") return { attempts, lasts: to, because: next.because, bars }
    if (next._tag === "Park") {
      const atMost = Duration.toMillis(next.atMost)
      const probes = policy.parking === undefined ? 0 : probesOf(policy.parking.probe, atMost)
      return {
        attempts: Math.min(computed, attempts + probes),
        lasts: to + atMost,
        because: next.because,
        bars
      }
    }
    // So many retries have a deadline.
    if (next._tag === "Reconcile" || attempts >= computed) return { attempts, lasts: deadline, because: "cut", bars }
    state = next.state
    now = to + Duration.toMillis(next.delay)
  }
}

/** A kind of failure, and how long its attempts take. */
interface Case {
  readonly how: How
  readonly pace?: Verdict.Pace
  readonly verdict: Verdict.Verdict
  readonly takes: number
}

/** How long an attempt may take. `undefined` if nothing ends it. */
export const attemptOf = ({ attemptTimeout, deadline }: RetryPolicy.RetryPolicy): number | undefined => {
  const limit = attemptTimeout ?? deadline
  return limit === undefined ? undefined : Duration.toMillis(limit)
}

/** The longest Retry-After that a call waits for. One that would not end before the deadline ends the call at once. */
export const longestAsked = ({ deadline, maxRetryAfter, quick }: RetryPolicy.RetryPolicy): number => {
  const longest = Duration.toMillis(maxRetryAfter)
  if (deadline === undefined) return longest
  const added = Duration.toMillis(Backoff.delay(quick, 1, unlucky, { previous: 0, total: 0 }))
  return Math.max(0, Math.min(longest, Math.ceil(Duration.toMillis(deadline) - added) - 1))
}

const casesOf = (policy: RetryPolicy.RetryPolicy): ReadonlyArray<Case> => {
  const paces = (how: "down" | "late", takes: number) =>
    (["quick", "steady", "slow"] as const).map((pace): Case => ({ how, pace, verdict: Verdict.transient(pace), takes }))
  const asked = Verdict.throttled(Duration.millis(longestAsked(policy)))
  return [
    ...paces("down", 0),
    ...paces("late", attemptOf(policy) ?? Infinity),
    { how: "throttled", verdict: asked, takes: 0 },
    ...(policy.parking === undefined ? [] : [{ how: "parked", verdict: Verdict.parked("act"), takes: 0 } as const])
  ]
}

const worstOf = Effect.fnUntraced(function* (policy: RetryPolicy.RetryPolicy, { takes, verdict, ...one }: Case) {
  if (!Number.isFinite(takes)) {
    return { ...one, attempts: 1, lasts: null, because: "hangs", bars: [], isBound: false } satisfies Worst
  }
  const computed = bound(policy, { verdict }, takes)
  if (computed.attempts > simulated.attempts || computed.lasts > simulated.lasts) {
    return { ...one, ...computed, isBound: true } satisfies Worst
  }
  const result = yield* Simulation.worst(policy, { fails: verdict, takes })
  const [call] = result.calls
  return {
    ...one,
    attempts: result.attempts,
    lasts: Duration.toMillis(result.longest),
    because: call?.ended ?? "ok",
    bars: (call?.attempts ?? []).slice(0, drawn).map(({ endedAt, startedAt }) => ({ from: startedAt, to: endedAt })),
    isBound: false
  } satisfies Worst
})

/** The policy of the worst case: a budget may allow one call every retry, if other calls need none. */
const unlimited = (policy: RetryPolicy.RetryPolicy): RetryPolicy.RetryPolicy => {
  const { budget: _budget, ...free } = retried(policy)
  return free
}

/** The worst case of every kind of failure. Without a limit of time only the first pace of a dependency that hangs differs from the others in nothing. */
export const of = (policy: RetryPolicy.RetryPolicy): Effect.Effect<ReadonlyArray<Worst>> => {
  const cases = casesOf(policy).filter(
    ({ how, pace, takes }) => Number.isFinite(takes) || how !== "late" || pace === "quick"
  )
  return Effect.forEach(cases, (one) => worstOf(unlimited(policy), one))
}

/** The longest of them; `null` if one has no end. */
export const longest = (all: ReadonlyArray<Pick<Worst, "lasts">>): number | null =>
  all.reduce<number | null>((most, { lasts }) => (most === null || lasts === null ? null : Math.max(most, lasts)), 0)
