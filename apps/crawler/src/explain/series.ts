/**
 * The delays of one kind of failure, as `CallState.next` gives them to a call whose attempts fail at once.
 */
import type * as Verdict from "@redrive/core/Verdict"
import * as CallState from "@redrive/retry/CallState"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"

/** A time that chance decides, in milliseconds; half of all calls are below the middle. */
export interface Range {
  readonly earliest: number
  readonly middle: number
  readonly latest: number
}

/** One retry. */
export interface Retry {
  /** Its number, from 1. */
  readonly retry: number
  /** The wait before it. */
  readonly delay: Range
  /** When it begins, after the begin of the call. */
  readonly begins: Range
  /** The share of calls that get so far before the deadline, from 0 to 1. */
  readonly reached: number
}

/** A delay, and when it ends. */
interface Step {
  readonly delay: number
  readonly begins: number
}

/** Calls whose delays are drawn. An odd number has a middle. */
const draws = 501

/** Retries of a series, at most. */
export const shown = 8

/** The largest number below 1. */
const most = 1 - Number.EPSILON / 2

/** Random numbers in [0, 1) that are the same in every run (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The first retries of one call. */
const callOf = (
  policy: RetryPolicy.RetryPolicy,
  verdict: Verdict.Verdict,
  random: (retry: number) => number
): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  let state = CallState.start
  let begins = 0
  while (steps.length < shown) {
    const next = CallState.next(policy, state, {
      verdict,
      elapsed: begins,
      random: random(steps.length),
      isAmbiguous: false
    })
    if (next._tag !== "Retry") break
    const delay = Duration.toMillis(next.delay)
    begins += delay
    state = next.state
    steps.push({ delay, begins })
  }
  return steps
}

const rangeOf = (drawn: ReadonlyArray<number>, extremes: ReadonlyArray<number>): Range => {
  const sorted = drawn.toSorted((one, other) => one - other)
  const all = [...sorted, ...extremes]
  const [earliest, latest] = [Math.min(...all), Math.max(...all)]
  return { earliest, middle: sorted[sorted.length >> 1] ?? earliest, latest }
}

/** The retries of one number. */
const at = (calls: ReadonlyArray<ReadonlyArray<Step>>, index: number): ReadonlyArray<Step> =>
  calls.flatMap((steps) => steps[index] ?? [])

/** The first retries after failures of one verdict, without those that hardly any call reaches. */
export const of = (policy: RetryPolicy.RetryPolicy, verdict: Verdict.Verdict): ReadonlyArray<Retry> => {
  const random = randomOf(1)
  const drawn = Array.from({ length: draws }, () => callOf(policy, verdict, random))
  // A delay of a series that depends on the one before it is at its ends where chance goes up and down.
  const extreme = [
    () => 0,
    () => most,
    (retry: number) => most * (retry % 2),
    (retry: number) => most * (1 - (retry % 2))
  ]
  const extremes = extreme.map((one) => callOf(policy, verdict, one))
  return Array.from({ length: shown }, (_, index) => index).flatMap((index) => {
    const [some, ends] = [at(drawn, index), at(extremes, index)]
    if (some.length === 0) return []
    const range = (of: keyof Step) =>
      rangeOf(
        some.map((step) => step[of]),
        ends.map((step) => step[of])
      )
    return [{ retry: index + 1, delay: range("delay"), begins: range("begins"), reached: some.length / draws }]
  })
}
