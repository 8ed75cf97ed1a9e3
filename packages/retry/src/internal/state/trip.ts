import * as Duration from "effect/Duration"
import type * as Breaker from "../../Breaker.ts"
import * as Window from "./window.ts"

/** Counts results, and says when there were too many failures. */
export interface Trip {
  readonly count: (isFailure: boolean, now: number) => void
  readonly isTripped: (now: number) => boolean
  readonly clear: () => void
}

export const make = (rule: typeof Breaker.TripRule.Type): Trip => {
  switch (rule._tag) {
    case "Consecutive":
      return consecutive(rule.failures)
    case "CountWindow":
      return countWindow(rule)
    case "TimeWindow":
      return timeWindow(rule)
  }
}

const consecutive = (most: number): Trip => {
  let inARow = 0
  return {
    count: (isFailure) => {
      inARow = isFailure ? inARow + 1 : 0
    },
    isTripped: () => inARow >= most,
    clear: () => {
      inARow = 0
    }
  }
}

const countWindow = ({ minimum, rate, size }: typeof Breaker.CountWindow.Type): Trip => {
  let results = new Uint8Array(size)
  let counted = 0
  let failures = 0
  return {
    count: (isFailure) => {
      const at = counted % size
      if (counted >= size) failures -= results[at] ?? 0
      results[at] = isFailure ? 1 : 0
      failures += isFailure ? 1 : 0
      counted++
    },
    isTripped: () => counted >= minimum && failures >= rate * Math.min(counted, size),
    clear: () => {
      results = new Uint8Array(size)
      counted = 0
      failures = 0
    }
  }
}

const timeWindow = ({ length, minimum, rate }: typeof Breaker.TimeWindow.Type): Trip => {
  const make = () => ({
    calls: Window.make(Duration.toMillis(length), 10),
    failures: Window.make(Duration.toMillis(length), 10)
  })
  let counts = make()
  return {
    count: (isFailure, now) => {
      counts.calls.add(now, 1)
      if (isFailure) counts.failures.add(now, 1)
    },
    isTripped: (now) => {
      const calls = counts.calls.sum(now)
      return calls >= minimum && counts.failures.sum(now) >= rate * calls
    },
    clear: () => {
      counts = make()
    }
  }
}
