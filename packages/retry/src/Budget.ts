/**
 * How many retries all calls together may make, so that retries cannot become the load that keeps a service down.
 *
 * A budget is data; `make` gives its state, which one runner shares among its calls. It is counted from the moment a retry is
 * scheduled. First attempts are never refused. Clients that share nothing each have their own budget, so a ratio protects a service however
 * many they are, and a floor is added up.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { SomeDuration } from "./internal/schema.ts"
import * as states from "./internal/budget.ts"

const share = Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(10))
const positive = Schema.Finite.check(Schema.isGreaterThan(0))
const natural = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * Retries are at most a `ratio` of the calls of the last `window`, and `floor` a second besides. Finagle's rule.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Ratio = Schema.TaggedStruct("Ratio", { ratio: share, window: SomeDuration, floor: natural })

/**
 * A bucket of `capacity` tokens: a retry costs `cost`, or `throttledCost` after a throttled failure; a success gives back what its last
 * retry cost, or `refill` if it needed none. The rule of the AWS SDKs.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Tokens = Schema.TaggedStruct("Tokens", {
  capacity: positive,
  cost: positive,
  throttledCost: positive,
  refill: natural
}).check(
  Schema.makeFilter(({ capacity, cost, throttledCost }) =>
    capacity < Math.max(cost, throttledCost)
      ? { path: ["capacity"], issue: "less than a retry costs: none would ever be made" }
      : undefined
  )
)

/**
 * Of at most `capacity` tokens every failure takes one and every success gives `ratio`; retries are allowed while more than half are
 * left. gRPC's rule.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Throttle = Schema.TaggedStruct("Throttle", { capacity: positive, ratio: positive })

/**
 * Retries are refused with the probability that keeps the calls of the last `window` at `k` times those that succeeded, at most
 * `ceiling`. The rule of the site reliability engineering book.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Adaptive = Schema.TaggedStruct("Adaptive", { k: positive, window: SomeDuration, ceiling: share })

/**
 * Retries in flight are at most a `ratio` of the calls in flight, but `floor` are always allowed. Envoy's rule.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Concurrent = Schema.TaggedStruct("Concurrent", { ratio: share, floor: natural })

/**
 * @category schemas
 * @since 0.1.0
 */
export const Budget = Schema.Union([Ratio, Tokens, Throttle, Adaptive, Concurrent])

/**
 * The rule by which retries are rationed.
 *
 * @category models
 * @since 0.1.0
 */
export type Budget = typeof Budget.Type

/**
 * Budgets as their sources state them. `standard` is this package's own: a fifth of the calls of ten seconds, and three retries more, so that
 * a client that hardly calls can retry at all.
 *
 * @category presets
 * @since 0.1.0
 */
export const presets = {
  standard: { _tag: "Ratio", ratio: 0.2, window: Duration.seconds(10), floor: 0.3 },
  aws2026: { _tag: "Tokens", capacity: 500, cost: 14, throttledCost: 5, refill: 1 },
  awsLegacy: { _tag: "Tokens", capacity: 500, cost: 10, throttledCost: 5, refill: 1 },
  grpc: { _tag: "Throttle", capacity: 10, ratio: 0.1 },
  finagle: { _tag: "Ratio", ratio: 0.2, window: Duration.seconds(10), floor: 10 },
  sre: { _tag: "Adaptive", k: 2, window: Duration.minutes(2), ceiling: 1 },
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
 * What a call has taken of a budget: so many `retries`, the last one after a throttled failure or not.
 *
 * @category models
 * @since 0.1.0
 */
export interface Taken {
  readonly retries: number
  readonly isThrottled: boolean
}

/**
 * How a call ended: `permanent` if the other side answered that no retry can help, `failure` in every other way without success.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = "success" | "permanent" | "failure"

/**
 * The state of a budget. Times are in milliseconds, `random` in [0, 1); nothing here reads a clock.
 *
 * `begin` a call; tell of an attempt that `failed` and that a retry may help; ask for a `retry`, with what the call has taken before
 * (`false`: it may not, and has taken nothing more); and `end` the call with all that it has taken.
 *
 * @category models
 * @since 0.1.0
 */
export interface State {
  readonly begin: (now: number) => void
  readonly failed: (now: number) => void
  readonly retry: (now: number, isThrottled: boolean, random: number, taken?: Taken) => boolean
  readonly end: (now: number, outcome: Outcome, taken?: Taken) => void
  /** What is left, in the rule's own unit: tokens, retries, or the probability that one is allowed. */
  readonly available: (now: number) => number
}

/**
 * A budget that nothing has been spent of. The window of a ratio is divided into ten slices, which end one by one.
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
