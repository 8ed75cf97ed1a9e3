/**
 * The part of a fleet that is simulated, and for how long: few clients stand for all, since they share nothing.
 */
import type * as Backoff from "@redrive/retry/Backoff"
import type * as Breaker from "@redrive/retry/Breaker"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import { attemptOf, retried } from "./worst.ts"

/** The fleet and its outage. */
export interface Fleet {
  /** Clients that share nothing, each with a budget and a breaker of its own. Default: 10. */
  readonly clients?: number | undefined
  /** Calls of all clients together in a second. Default: 10. */
  readonly callsPerSecond?: number | undefined
  /** How long the dependency is down. Default: 1 minute. */
  readonly outage?: Duration.Input | undefined
}

/** Calls, requests and clients of one simulation, which bound its time. */
export const most = { calls: 600, requests: 2000, clients: 200 }

/** Clients and calls that stand for all where calls share nothing. */
const few = { clients: 6, calls: 300 }

/** No wait of a simulation is longer: what would end after it is out of sight anyway. */
const farAway = Duration.days(1)

const nearest = (duration: Duration.Duration): Duration.Duration => Duration.min(duration, farAway)

const backoff = (self: Backoff.Backoff): Backoff.Backoff => ({
  ...self,
  base: nearest(self.base),
  cap: nearest(self.cap)
})

/** The policy without waits that lead far beyond an outage. */
export const within = (given: RetryPolicy.RetryPolicy): RetryPolicy.RetryPolicy => {
  const { attemptTimeout, breaker, deadline, hedge, rateLimit, server, ...policy } = retried(given)
  return {
    ...policy,
    quick: backoff(policy.quick),
    steady: backoff(policy.steady),
    slow: backoff(policy.slow),
    ...(server !== undefined && { server: backoff(server) }),
    ...(attemptTimeout !== undefined && { attemptTimeout: nearest(attemptTimeout) }),
    ...(deadline !== undefined && { deadline: nearest(deadline) }),
    ...(rateLimit !== undefined && { rateLimit: { ...rateLimit, maximumWait: nearest(rateLimit.maximumWait) } }),
    ...(hedge !== undefined && Duration.isLessThan(hedge.after, farAway) && { hedge }),
    ...(breaker !== undefined && { breaker: watched(breaker) })
  }
}

const watched = ({ slowerThan, ...breaker }: Breaker.Breaker): Breaker.Breaker => ({
  ...breaker,
  ...(slowerThan !== undefined && Duration.isLessThan(slowerThan, farAway) && { slowerThan })
})

/** The fleet that was asked for, its defaults filled in. */
interface Asked {
  readonly clients: number
  readonly callsPerSecond: number
  readonly outage: Duration.Input
}

/** The clients that are simulated, and the time that they are simulated for. */
export interface Sample {
  readonly clients: number
  /** Between two calls of a client. */
  readonly every: number
  readonly from: number
  readonly lasts: number
  readonly ends: number
  readonly takes: number
}

/** Whether calls of a client have an influence on each other. */
const isShared = ({ breaker, budget, bulkhead, hedge, rateLimit }: RetryPolicy.RetryPolicy): boolean =>
  [breaker, budget, bulkhead, hedge, rateLimit].some((part) => part !== undefined)

/** The simulated time, in outages: a quarter of one before it, and one after it. */
const span = 2.25

/**
 * If calls share nothing, fewer calls stand for all. If they do, fewer clients do, and a client that calls very often shortens the outage.
 * Clients that call less than once in the simulated time stand in for one another.
 */
export const sampleOf = (policy: RetryPolicy.RetryPolicy, fleet: Asked): Sample => {
  const asked = Duration.toMillis(fleet.outage)
  const own = (1000 * fleet.clients) / fleet.callsPerSecond
  const of = (lasts: number, clients: number, every: number): Sample => ({
    clients: Math.max(1, clients),
    every,
    from: lasts / 4,
    lasts,
    ends: span * lasts,
    takes: takesOf(policy)
  })
  if (own > span * asked) {
    const callers = Math.round((fleet.clients * span * asked) / own)
    return of(asked, Math.min(callers, most.clients), span * asked)
  }
  if (!isShared(policy)) {
    const clients = Math.min(fleet.clients, few.clients)
    return of(asked, clients, Math.max(own, (span * asked * clients) / few.calls))
  }
  const lasts = Math.min(asked, (most.calls * own) / span)
  return of(lasts, Math.min(fleet.clients, Math.floor((most.calls * own) / (span * lasts))), own)
}

/** An attempt that is neither cut short nor sent twice. */
const takesOf = (policy: RetryPolicy.RetryPolicy): number => {
  const after = policy.hedge === undefined ? Infinity : Duration.toMillis(policy.hedge.after)
  return Math.min(50, Math.min(after, attemptOf(policy) ?? Infinity) / 2)
}
