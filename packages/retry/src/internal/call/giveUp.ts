import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Failure from "@redrive/core/Failure"
import * as Report from "@redrive/core/Report"
import type * as Because from "../../Because.ts"
import * as Operation from "../../Operation.ts"
import { type Facts, RetryExhausted } from "../../RetryExhausted.ts"
import type { Added, Exhausted } from "../../Retry.ts"
import { type Call, elapsed, type Entry, pastOf } from "./call.ts"
import { Refused } from "./refused.ts"
import * as Events from "./events.ts"
import { isTimedOut } from "./timedOut.ts"

/** Gives up a call; `again` is the wait after which another try makes sense. */
export const giveUp = <A, E, R>(
  call: Call<A, E, R>,
  failure: unknown,
  because: Because.GivenUp,
  again?: Duration.Duration
): Effect.Effect<never, Exhausted<E>> => ended(call, failure, because, comeBack(call, again))

/** Gives up a call that is refused; it `ended` for another reason than it is refused for if its deadline passed meanwhile. */
export const refuse = <A, E, R>(
  call: Call<A, E, R>,
  why: Refused["because"],
  { again, ended: because = why }: Refusing = {}
): Effect.Effect<never, Exhausted<E>> => {
  const later = comeBack(call, again)
  return ended(call, refused(call, why, later), because, later)
}

interface Refusing {
  readonly again?: Duration.Duration | undefined
  readonly ended?: Because.GivenUp
}

/** The failure of a call that is refused; `until` names the action that a parked call waits for. */
export const refused = <A, E, R>(
  { key, name }: Call<A, E, R>,
  because: Refused["because"],
  known?: { readonly until?: string; readonly retryAt?: DateTime.Utc }
): Refused => new Refused({ because, call: name, key, retryAt: known?.retryAt, until: known?.until })

const ended = <A, E, R>(
  call: Call<A, E, R>,
  failure: unknown,
  because: Because.GivenUp,
  later: Later | undefined
): Effect.Effect<never, Exhausted<E>> => {
  const { key, name, options } = call
  const past = pastOf(call)
  past.isOver = true
  const facts = {
    name,
    key: key === "" ? undefined : key,
    because,
    attempts: past.failed.map(entryOf),
    duration: durationOf(call),
    failure: options.errorOf !== undefined && isAdded(failure) ? options.errorOf(failure) : failure,
    until: failure instanceof Refused ? failure.until : undefined,
    retryAt: later?.retryAt,
    retryAfter: later?.retryAfter
  }
  // It is not thrown, and its timeline takes the place of a stack.
  const exhausted = Failure.withoutStack(() => new RetryExhausted(facts as Facts<Exhausted<E>["failure"]>))
  Events.gaveUp(call, exhausted)
  return Effect.fail(exhausted)
}

const durationOf = <A, E, R>(call: Call<A, E, R>): Duration.Duration => {
  const millis = elapsed(call)
  return millis === 0 ? Duration.zero : Duration.millis(millis)
}

/** The latest time that a date can hold. */
const latest = 8.64e15

/** When another try makes sense, and how far away that is. */
interface Later {
  readonly retryAt: DateTime.Utc
  readonly retryAfter: Duration.Duration
}

/** `undefined` if another try never makes sense, or later than a date can hold. */
const comeBack = <A, E, R>({ time }: Call<A, E, R>, again: Duration.Duration | undefined): Later | undefined => {
  if (again === undefined) return undefined
  // Jitter makes waits of many digits. Rounded up, since a millisecond early is too early.
  const wait = Math.ceil(Duration.toMillis(again))
  const at = time.clock.currentTimeMillisUnsafe() + wait
  return at > latest ? undefined : { retryAt: DateTime.makeUnsafe(at), retryAfter: Duration.millis(wait) }
}

const entryOf = ({
  duration,
  failure,
  isAmbiguous = Operation.isAmbiguous(failure),
  startedAt,
  verdict,
  wait
}: Entry) => ({
  startedAt: DateTime.makeUnsafe(startedAt),
  duration: Duration.millis(duration),
  verdict,
  message: Report.make(failure).message,
  isAmbiguous,
  ...(wait === undefined ? {} : { wait: Duration.millis(wait) })
})

/** Whether the failure comes from the engine rather than the effect. */
const isAdded = (failure: unknown): failure is Added => isTimedOut(failure) || failure instanceof Refused
