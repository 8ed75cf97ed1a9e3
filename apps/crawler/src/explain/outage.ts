/**
 * What a fleet of clients with a policy sends to a dependency that is down for a while, on virtual time.
 *
 * The clients share nothing, so that a few stand for all. Their calls are spread evenly over time.
 */
import * as Verdict from "@redrive/core/Verdict"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Simulation from "@redrive/retry/Simulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Fleet, most, type Sample, sampleOf, within } from "./fleet.ts"
import { attemptOf } from "./worst.ts"

/** What the dependency sees of failures of one kind. */
export interface Load {
  /** The pace of the failures; `hangs` if the attempts end by their timeout. */
  readonly failure: Verdict.Pace | "hangs"
  /** Whether budget and breaker are in force, or are left out for comparison. */
  readonly isLimited: boolean
  /** Requests in the outage for each call that began in it. */
  readonly amplification: number
  /** The most requests in one slice of time, as a multiple of the normal load. */
  readonly peak: number
  /** The share of the outage's calls that succeeded, late as they may be, from 0 to 1. */
  readonly succeeded: number
  /**
   * Milliseconds from the recovery until the load stays within a tenth of the normal one. `null` if it does not before the simulation ends.
   */
  readonly normalAfter: number | null
  /** The requests of each slice of time, as a multiple of the normal load. */
  readonly slices: ReadonlyArray<number>
  /** Whether the simulation was ended early because of its requests: the numbers are at least as high. */
  readonly isCut: boolean
}

/** An outage and the loads that it brings. Times are in milliseconds. */
export interface Outage {
  readonly clients: number
  readonly callsPerSecond: number
  /** The outage that was simulated. */
  readonly lasts: number
  /** The outage that was asked for, if that is longer. */
  readonly asked: number
  /** When it begins. */
  readonly from: number
  /** When the simulated calls end; further slices have only retries. */
  readonly ends: number
  /** The length of a slice. */
  readonly slice: number
  /** How long an attempt takes that does not hang. */
  readonly takes: number
  readonly loads: ReadonlyArray<Load>
}

/** A call, with times after the begin of the simulation. */
interface Call {
  readonly begun: number
  readonly requests: ReadonlyArray<number>
  readonly ended: Simulation.Call["ended"]
}

interface Run {
  readonly calls: ReadonlyArray<Call>
  /** When the requests became too many; `Infinity` if they did not. */
  readonly cutAt: number
}

/** Runs the clients one after the other: they share nothing. */
const run = Effect.fnUntraced(function* (
  policy: RetryPolicy.RetryPolicy,
  { clients, ends, every, from, lasts, takes }: Sample,
  bad: Simulation.Answer
) {
  const calls: Array<Call> = []
  let cutAt = Infinity
  for (let client = 0; client < clients; client++) {
    const phase = (every * client) / clients
    let requests = 0
    const dependency: Simulation.Dependency = ({ now }) => {
      const at = now + phase
      if (++requests > most.requests / clients) cutAt = Math.min(cutAt, at)
      return at >= from && at < from + lasts && requests <= most.requests / clients ? bad : { takes }
    }
    const count = Math.ceil((ends - phase) / every)
    const result = yield* Simulation.run({ policy, dependency, calls: count, every, seed: client })
    for (const { attempts, ended, startedAt } of result.calls) {
      calls.push({ begun: startedAt + phase, requests: attempts.map((one) => one.startedAt + phase), ended })
    }
  }
  return { calls, cutAt } satisfies Run
})

/** A length of a slice that has some calls, and of which there are not too many. */
const sliceOf = ({ clients, ends, every }: Sample): number => {
  const least = Math.max(ends / 90, (5 * every) / clients)
  const step = 10 ** Math.floor(Math.log10(least)) / 2
  return Math.ceil(least / step) * step
}

/** How many there are in each slice, up to the last one that has some. */
const perSlice = (times: ReadonlyArray<number>, slice: number): ReadonlyArray<number> => {
  const counts: Array<number> = []
  for (const at of times) {
    const index = Math.floor(at / slice)
    while (counts.length <= index) counts.push(0)
    counts[index] = (counts[index] ?? 0) + 1
  }
  return counts
}

/** Another load than this share of the normal one, more or less, is not normal. */
const tenth = 0.1

const normalAfterOf = ({ calls }: Run, { ends, from, lasts }: Sample, slice: number, normal: number): number | null => {
  const recovered = from + lasts
  const refused = calls.flatMap(({ begun, ended }) => (ended === "breaker" && begun < ends ? [begun] : []))
  const more = calls.flatMap(({ requests }) => requests.slice(1))
  const other = [...refused, ...more].filter((at) => at >= recovered)
  const last = perSlice(
    other.map((at) => at - recovered),
    slice
  ).findLastIndex((count) => count > tenth * normal)
  const isOpen = refused.some((at) => at >= ends - slice)
  return isOpen ? null : (last + 1) * slice
}

const loadOf = (result: Run, sample: Sample, slice: number): Omit<Load, "failure" | "isLimited"> => {
  const { clients, ends, every, from, lasts } = sample
  const until = Math.min(from + lasts, result.cutAt)
  const isIn = (at: number) => at >= from && at <= until && at < from + lasts
  const begun = result.calls.filter(({ begun }) => isIn(begun))
  const requests = result.calls.flatMap((call) => call.requests)
  const normal = (slice * clients) / every
  const slices = perSlice(
    requests.filter((at) => at < ends && at <= result.cutAt),
    slice
  ).map((count) => count / normal)
  const isCut = Number.isFinite(result.cutAt)
  return {
    amplification: requests.filter(isIn).length / Math.max(1, begun.length),
    peak: Math.max(0, ...slices),
    succeeded: begun.filter(({ ended }) => ended === "ok").length / Math.max(1, begun.length),
    normalAfter: isCut ? null : normalAfterOf(result, sample, slice, normal),
    slices,
    isCut
  }
}

/** What each kind of failure sends, with and without what limits retries. */
const casesOf = (policy: RetryPolicy.RetryPolicy, { takes }: Sample) => {
  const hangs = attemptOf(policy)
  const { breaker, budget, ...free } = policy
  const isLimited = breaker !== undefined || budget !== undefined
  const failures = [
    ...(["quick", "steady", "slow"] as const).map((pace) => ({
      failure: pace,
      bad: { fails: Verdict.transient(pace), takes }
    })),
    ...(hangs === undefined
      ? []
      : [{ failure: "hangs" as const, bad: { fails: Verdict.transient("quick"), takes: 2 * hangs } }])
  ]
  return failures.flatMap(({ bad, failure }) => [
    { failure, bad, policy, isLimited: true },
    ...(isLimited ? [{ failure, bad, policy: free, isLimited: false }] : [])
  ])
}

/** What the dependency sees before, during and after an outage. */
export const of = Effect.fnUntraced(function* (given: RetryPolicy.RetryPolicy, fleet: Fleet = {}) {
  const { callsPerSecond = 10, clients = 10, outage = Duration.minutes(1) } = fleet
  const policy = within(given)
  const sample = sampleOf(policy, { callsPerSecond, clients, outage })
  const slice = sliceOf(sample)
  const loads = yield* Effect.forEach(
    casesOf(policy, sample),
    Effect.fnUntraced(function* ({ bad, failure, isLimited, policy }) {
      const result = yield* run(policy, sample, bad)
      return { failure, isLimited, ...loadOf(result, sample, slice) } satisfies Load
    })
  )
  return {
    clients,
    callsPerSecond,
    lasts: sample.lasts,
    asked: Duration.toMillis(outage),
    from: sample.from,
    ends: sample.ends,
    slice,
    takes: sample.takes,
    loads
  } satisfies Outage
})
