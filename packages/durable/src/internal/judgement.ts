import * as Judge from "@redrive/core/Judge"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as CallState from "@redrive/retry/CallState"
import * as Operation from "@redrive/retry/Operation"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Claimed, Settled } from "../Store.ts"
import type { Failed } from "./rows.ts"

/** A task whose process was lost with it again and again. */
class Killed extends Data.TaggedError("TaskKilled")<{ readonly message: string }> {}

export const killed = new Killed({ message: "the process was lost during an attempt" })

/** An attempt that took longer than its policy allows. */
export class AttemptTimeout extends Data.TaggedError("AttemptTimeout")<{
  readonly message: string
  readonly verdict: Verdict.Verdict
}> {}

/** A task whose gate nobody opened in time. */
export class ParkedTooLong extends Data.TaggedError("TaskParkedTooLong")<{ readonly message: string }> {}

/** A handler that was interrupted by something of its own, such as a fiber that it waited for. */
class Interrupted extends Data.TaggedError("TaskInterrupted")<{
  readonly message: string
  readonly verdict: Verdict.Verdict
}> {}

export const interrupted = new Interrupted({
  message: "the attempt was interrupted from within",
  verdict: Verdict.transient("steady")
})

/** The limit of an attempt is within it, and a failure like any other. */
export const bounded = <A, E, R>(
  { attemptTimeout }: RetryPolicy.Fields,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | AttemptTimeout, R> =>
  attemptTimeout === undefined
    ? effect
    : Effect.timeoutOrElse(effect, {
        duration: attemptTimeout,
        orElse: () =>
          Effect.fail(
            new AttemptTimeout({
              message: `no result within ${Duration.format(attemptTimeout)}`,
              verdict: Verdict.transient("steady")
            })
          )
      })

export const time = (millis: number): Duration.Duration => Duration.millis(Math.max(0, millis))

interface Gate {
  readonly gate: string
  readonly until: number
  readonly why: string
}

/** Another attempt follows a failure. */
export interface Again {
  readonly _tag: "Again"
  readonly verdict: Verdict.Verdict
  readonly again: Extract<Settled, { readonly _tag: "Again" }>
  /** The gate that the failure shuts. */
  readonly gate: Gate | undefined
  /** The action that is waited for. */
  readonly parked: string | undefined
}

/** What follows a failure. */
export type Judged = { readonly _tag: "GiveUp"; readonly because: string; readonly verdict: Verdict.Verdict } | Again

const stateIn = Schema.decodeUnknownOption(Schema.fromJsonString(CallState.CallState))

/** What a failure leaves behind. */
export const failedOf = (error: unknown) =>
  Effect.map(Effect.context(), (context) => {
    const { actor, code, message } = Report.make(error, { secrets: Report.secretsOf(context) })
    return { actor, code, message }
  })

/** Asks the policy, as the retry engine does. */
export const judge = Effect.fnUntraced(function* (
  policy: RetryPolicy.Fields,
  claim: Claimed,
  error: unknown,
  now: number,
  random: number
): Effect.fn.Return<Judged> {
  const verdict = yield* Judge.judge(error)
  const known = claim.call === undefined ? undefined : stateIn(claim.call)
  const state = known?._tag === "Some" ? known.value : CallState.start
  // The time behind a gate, or without a worker, brings no deadline nearer.
  const elapsed = Math.max(0, now - claim.begunAt - claim.paused)
  const next = CallState.next(policy, state, {
    verdict,
    elapsed,
    random,
    isAmbiguous: Operation.isAmbiguous(error),
    ...CallState.codeOf(error)
  })
  switch (next._tag) {
    case "Reconcile":
      return { _tag: "GiveUp", because: "ambiguous", verdict }
    case "GiveUp":
      return { _tag: "GiveUp", because: next.because, verdict }
    case "Park":
      return parked(next, claim, verdict, yield* failedOf(error), now)
    case "Retry":
      return retried(next, claim, verdict, yield* failedOf(error), now)
  }
})

const parked = (
  { atMost, state, until }: CallState.Park,
  claim: Claimed,
  verdict: Verdict.Verdict,
  failed: Failed,
  now: number
): Judged => {
  const parkedUntil = now + Math.ceil(Duration.toMillis(atMost))
  const gate = claim.group === "" ? claim.key : claim.group
  // Without a key nobody can open anything: the task waits for its own time.
  if (gate === "") return { _tag: "GiveUp", because: "parked", verdict }
  return {
    _tag: "Again",
    verdict,
    again: { _tag: "Again", due: now, call: textOf(state), attempts: state.attempts, parkedUntil, failed },
    gate: { gate, until: Infinity, why: until },
    parked: until
  }
}

const retried = (
  { delay, state }: Extract<CallState.Next, { readonly _tag: "Retry" }>,
  claim: Claimed,
  verdict: Verdict.Verdict,
  failed: Failed,
  now: number
): Again => {
  const due = now + Math.ceil(Duration.toMillis(delay))
  const asked = Verdict.retryAfter(verdict)
  const gate = claim.key === "" ? claim.group : claim.key
  return {
    _tag: "Again",
    verdict,
    again: { _tag: "Again", due, call: textOf(state), attempts: state.attempts, parkedUntil: undefined, failed },
    // Who is asked to wait asks for all that would go to the same place.
    gate:
      asked === undefined || gate === ""
        ? undefined
        : { gate, until: now + Math.ceil(Duration.toMillis(asked)), why: failed.code },
    parked: undefined
  }
}

const textOf = (state: CallState.CallState): string => JSON.stringify(state)
