import type { State, Taken } from "../../Budget.ts"
import * as Window from "./window.ts"

const nothing: Taken = { retries: 0, isThrottled: false }

const slices = 10

/** Calls deposit and retries withdraw; each entry expires with the window. The balance is counted in retries. */
export const ratio = (share: number, window: number, floor: number): State => {
  // Integers, so that ten thousand deposits add up without rounding errors.
  const deposit = 1000
  const withdrawal = Math.round(deposit / share)
  const balance = Window.make(window, slices)
  const reserve = floor * (window / 1000) * withdrawal
  return {
    begin: (now) => balance.add(now, deposit),
    retry: (now) => {
      if (balance.sum(now) + reserve < withdrawal) return false
      balance.add(now, -withdrawal)
      return true
    },
    failed: () => undefined,
    end: () => undefined,
    available: (now) => Math.max(0, balance.sum(now) + reserve) / withdrawal
  }
}

export const tokens = (rule: {
  readonly capacity: number
  readonly cost: number
  readonly throttledCost: number
  readonly refill: number
}): State => {
  let left = rule.capacity
  const costOf = (isThrottled: boolean) => (isThrottled ? rule.throttledCost : rule.cost)
  return {
    begin: () => undefined,
    retry: (_now, isThrottled) => {
      const cost = costOf(isThrottled)
      if (left < cost) return false
      left -= cost
      return true
    },
    failed: () => undefined,
    end: (_now, outcome, { isThrottled, retries } = nothing) => {
      if (outcome !== "success") return
      left = Math.min(rule.capacity, left + (retries > 0 ? costOf(isThrottled) : rule.refill))
    },
    available: () => left
  }
}

export const throttle = (capacity: number, share: number): State => {
  let left = capacity
  return {
    begin: () => undefined,
    retry: () => left > capacity / 2,
    failed: () => {
      left = Math.max(0, left - 1)
    },
    end: (_now, outcome) => {
      if (outcome === "success") left = Math.min(capacity, left + share)
    },
    available: () => left
  }
}

/** The probability of refusing a call, given the calls and successes so far. */
export const refusal = (calls: number, successes: number, k: number, ceiling: number): number =>
  Math.min(ceiling, Math.max(0, (calls - k * successes) / (calls + 1)))

export const adaptive = (k: number, window: number, ceiling: number): State => {
  const calls = Window.make(window, slices)
  const successes = Window.make(window, slices)
  const probability = (now: number) => refusal(calls.sum(now), successes.sum(now), k, ceiling)
  return {
    begin: (now) => calls.add(now, 1),
    retry: (now, _isThrottled, random) => {
      const isAllowed = random >= probability(now)
      // A refused retry counts as a call too, or the refusals would end too soon.
      calls.add(now, 1)
      return isAllowed
    },
    failed: () => undefined,
    end: (now, outcome) => {
      // A server that rejects a call as wrong has accepted the load.
      if (outcome !== "failure") successes.add(now, 1)
    },
    available: (now) => 1 - probability(now)
  }
}

export const concurrent = (share: number, floor: number): State => {
  let calls = 0
  let retrying = 0
  const most = () => Math.max(Math.floor(share * calls), floor)
  return {
    begin: () => {
      calls++
    },
    retry: (_now, _isThrottled, _random, { retries } = nothing) => {
      // The call's previous retry has ended.
      const others = retries > 0 ? retrying - 1 : retrying
      if (others >= most()) return false
      retrying = others + 1
      return true
    },
    failed: () => undefined,
    end: (_now, _outcome, { retries } = nothing) => {
      calls--
      if (retries > 0) retrying--
    },
    available: () => Math.max(0, most() - retrying)
  }
}
