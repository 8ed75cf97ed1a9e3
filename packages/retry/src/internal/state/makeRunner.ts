import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type { Options, Runner } from "../../Retry.ts"
import type * as RetryPolicy from "../../RetryPolicy.ts"
import { checkPolicy } from "../policy/checked.ts"
import { promised } from "../call/promised.ts"
import * as runner from "../call/runner.ts"
import * as RunnerState from "./runnerState.ts"

/** Makes a runner of a policy, with parts that other processes share. */
export const makeRunner = (policy: RetryPolicy.RetryPolicy, name: string, parts: RunnerState.Parts): Runner => {
  checkPolicy(policy, name)
  return runnerOf(policy, name, parts)
}

const runnerOf = (policy: RetryPolicy.RetryPolicy, name: string, parts: RunnerState.Parts): Runner => {
  const shared = RunnerState.make(policy, name, parts)
  return {
    name,
    policy,
    run: dual(
      (args) => Effect.isEffect(args[0]),
      <A, E, R, F>(self: Effect.Effect<A, E, R>, options: Options<A, E, R, F> = {}) => runner.run(shared, self, options)
    ),
    promise: (attempt, options = {}) => promised(shared, attempt, options),
    resume: (key = "") =>
      Effect.withFiber((fiber) => {
        shared.gates?.open(fiber, key)
        return Effect.void
      }),
    parked: Effect.sync(() => [...(shared.gates?.keys() ?? [])]),
    breaker: (key = "") => shared.breakers?.of(key),
    budget: shared.budget
  }
}

/** Makes a runner of a policy whose state is all in this process. */
export const makeLocal = (policy: RetryPolicy.RetryPolicy, name: string): Runner => {
  checkPolicy(policy, name)
  if (policy.rateLimit !== undefined)
    throw new Error(`the policy of ${name} has a rateLimit, which needs a counter: make its runner with Distributed`)
  return runnerOf(policy, name, {})
}
