/**
 * A retry budget: limits the retries of all calls together, so that retries cannot keep a service down.
 *
 * A budget is data; `make` gives its state, which one runner shares among its calls. A retry counts from the moment it is scheduled.
 * First attempts are never refused. Clients that share nothing each have their own budget: a ratio protects a service from any number of
 * clients, while the floors of all clients add up.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { natural, positive, SomeDuration, upTo } from "./internal/policy/schema.ts"
import * as states from "./internal/state/budget.ts"

const share = upTo(10)

/**
 * Allows retries for a `ratio` of the calls in the last `window`, plus a `floor` of retries a second. Finagle's rule.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Ratio = Schema.TaggedStruct("Ratio", {
  /** How many retries each call in the window allows, above 0 and at most 10. No default. */
  ratio: share,
  /** How long a call counts. No default. */
  window: SomeDuration,
  /** How many retries a second are always allowed. No default. */
  floor: natural
})

/**
 * A bucket of `capacity` tokens, as in the AWS SDKs.
 *
 * A retry costs `cost` tokens, or `throttledCost` after a throttled failure. A success gives back the cost of its last retry, or `refill`
 * if it needed no retry.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Tokens = Schema.TaggedStruct("Tokens", {
  /** How many tokens the bucket holds; it starts full. No default. */
  capacity: positive,
  /** How many tokens a retry costs. No default. */
  cost: positive,
  /** How many tokens a retry costs after a throttled failure. No default. */
  throttledCost: positive,
  /** How many tokens a success without retries gives back. No default. */
  refill: natural
}).check(
  Schema.makeFilter(({ capacity, cost, throttledCost }) =>
    capacity < Math.max(cost, throttledCost)
      ? { path: ["capacity"], issue: "less than a retry costs: none would ever be made" }
      : undefined
  )
)

/**
 * Allows retries while more than half of `capacity` tokens are left: gRPC's rule.
 *
 * Every failure takes one token, and every success gives back `ratio`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Throttle = Schema.TaggedStruct("Throttle", {
  /** How many tokens the bucket holds; it starts full. No default. */
  capacity: positive,
  /** How many tokens a success gives back. No default. */
  ratio: positive
})

/**
 * Refuses retries at random, more often the more calls fail: the rule of the site reliability engineering book.
 *
 * The probability keeps the calls of the last `window` at `k` times the successes, and is at most `ceiling`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Adaptive = Schema.TaggedStruct("Adaptive", {
  /** How many calls each success in the window allows. No default. */
  k: positive,
  /** How long a call counts. No default. */
  window: SomeDuration,
  /** The highest probability of refusing a retry. No default. */
  ceiling: share
})

/**
 * Limits retries in flight to a `ratio` of the calls in flight; `floor` of them are always allowed. Envoy's rule.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Concurrent = Schema.TaggedStruct("Concurrent", {
  /** How many retries may be in flight for each call in flight, above 0 and at most 10. No default. */
  ratio: share,
  /** How many retries in flight are always allowed. No default. */
  floor: natural
})

/**
 * The rules that decide which retries are allowed.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Budget = Schema.Union([Ratio, Tokens, Throttle, Adaptive, Concurrent])

/**
 * The rule that decides which retries are allowed.
 *
 * @category models
 * @since 0.1.0
 */
export type Budget = typeof Budget.Type

/**
 * Budgets with the settings of their sources.
 *
 * `standard` is this package's own: retries for a fifth of the calls in ten seconds, and three more, so that a quiet client can retry one call.
 *
 * @category presets
 * @since 0.1.0
 */
export const presets = {
  standard: { _tag: "Ratio", ratio: 0.2, window: /*#__PURE__*/ Duration.seconds(10), floor: 0.3 },
  aws2026: { _tag: "Tokens", capacity: 500, cost: 14, throttledCost: 5, refill: 1 },
  awsLegacy: { _tag: "Tokens", capacity: 500, cost: 10, throttledCost: 5, refill: 1 },
  grpc: { _tag: "Throttle", capacity: 10, ratio: 0.1 },
  finagle: { _tag: "Ratio", ratio: 0.2, window: /*#__PURE__*/ Duration.seconds(10), floor: 10 },
  sre: { _tag: "Adaptive", k: 2, window: /*#__PURE__*/ Duration.minutes(2), ceiling: 1 },
  envoy: { _tag: "Concurrent", ratio: 0.2, floor: 3 }
} as const satisfies { readonly [name: string]: Budget }

/**
 * A budget by the name of a preset, or spelled out.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Named = Schema.Union([
  Schema.Literals(["standard", "aws2026", "awsLegacy", "grpc", "finagle", "sre", "envoy"] satisfies ReadonlyArray<
    keyof typeof presets
  >),
  Budget
])

/**
 * The retries that a call has taken from a budget.
 *
 * @category models
 * @since 0.1.0
 */
export interface Taken {
  /** How many retries the call has taken. */
  readonly retries: number
  /** Whether the last retry followed a throttled failure. */
  readonly isThrottled: boolean
}

/**
 * How a call ended: `permanent` if the other side answered that no retry can help, `failure` for every other failure.
 *
 * @category models
 * @since 0.1.0
 */
export type CallEnd = "success" | "permanent" | "failure"

/**
 * The state of a budget. Times are in milliseconds, `random` in [0, 1); nothing here reads a clock.
 *
 * @category models
 * @since 0.1.0
 */
export interface State {
  /** Starts a call. */
  readonly begin: (now: number) => void
  /** Reports a failed attempt that a retry may help. */
  readonly failed: (now: number) => void
  /** Asks for a retry, given what the call has taken before. `false` refuses it and takes nothing. */
  readonly retry: (now: number, isThrottled: boolean, random: number, taken?: Taken) => boolean
  /** Ends a call with all that it has taken. */
  readonly end: (now: number, outcome: CallEnd, taken?: Taken) => void
  /** How much is left, in the rule's own unit: tokens, retries, or the probability that a retry is allowed. */
  readonly available: (now: number) => number
}

/**
 * Makes an unspent budget. A ratio's window has ten slices, which expire one by one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (budget: typeof Named.Type): State => {
  const rule: Budget = typeof budget === "string" ? presets[budget] : budget
  switch (rule._tag) {
    case "Ratio":
      return states.ratio(rule.ratio, Duration.toMillis(rule.window), rule.floor)
    case "Tokens":
      return states.tokens(rule)
    case "Throttle":
      return states.throttle(rule.capacity, rule.ratio)
    case "Adaptive":
      return states.adaptive(rule.k, Duration.toMillis(rule.window), rule.ceiling)
    case "Concurrent":
      return states.concurrent(rule.ratio, rule.floor)
  }
}
