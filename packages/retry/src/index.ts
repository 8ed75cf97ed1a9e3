/**
 * What to do about it: retry policies as data, one runner, and redrive for the items that may still succeed.
 *
 * @since 0.1.0
 */
export * as Backoff from "./Backoff.ts"
export * as Because from "./Because.ts"
export * as Breaker from "./Breaker.ts"
export * as Budget from "./Budget.ts"
export * as Bulkhead from "./Bulkhead.ts"
export * as CallState from "./CallState.ts"
export * as Distributed from "./Distributed.ts"
export * as Hedge from "./Hedge.ts"
export * as HttpRetry from "./HttpRetry.ts"
export * as Operation from "./Operation.ts"
export * as Parking from "./Parking.ts"
export * as Preset from "./Preset.ts"
export * as RateLimit from "./RateLimit.ts"
export * as Redrive from "./Redrive.ts"
export * as Retry from "./Retry.ts"
export * as RetryExhausted from "./RetryExhausted.ts"
export * as RetryPolicy from "./RetryPolicy.ts"
export * as Simulation from "./Simulation.ts"
