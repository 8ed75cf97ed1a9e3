import * as Effect from "effect/Effect"
import type { Runner } from "../../Retry.ts"
import type * as RetryPolicy from "../../RetryPolicy.ts"
import { log } from "../logging.ts"
import { makeLocal } from "./makeRunner.ts"
import { parts } from "./runnerState.ts"

/** A group of equal policies: `fresh` counts how many in a row were new, `isSaid` whether the warning was logged. */
interface Kind {
  fresh: number
  isSaid: boolean
}

/** A runner that calls share, and the warning that its first call logs. */
export interface Entry {
  readonly runner: Runner
  readonly warning: Effect.Effect<void> | undefined
  readonly kind: Kind | undefined
}

/** This many policies with equal shared parts, each used for the first time, look as if they were made inside the call. */
const suspicious = 10

const mostKinds = 1000

/** Finds the runner that all calls with the same policy value share. */
export const sharedRunners = (name: string): ((policy: RetryPolicy.RetryPolicy) => Entry) => {
  const known = new WeakMap<RetryPolicy.RetryPolicy, Entry>()
  const kinds = new Map<string, Kind>()

  const kindOf = (policy: RetryPolicy.RetryPolicy): Kind => {
    // A policy that is made for a call may have the call's own deadline.
    const text = JSON.stringify(parts.map((part) => policy[part]))
    const found = kinds.get(text)
    if (found !== undefined) return found
    if (kinds.size >= mostKinds) kinds.clear()
    const kind = { fresh: 0, isSaid: false }
    kinds.set(text, kind)
    return kind
  }

  const make = (policy: RetryPolicy.RetryPolicy): Entry => {
    const runner = makeLocal(policy, name)
    const shared = parts.filter((part) => policy[part] !== undefined)
    if (shared.length === 0) return { runner, kind: undefined, warning: undefined }
    const kind = kindOf(policy)
    const isInert = ++kind.fresh >= suspicious && !kind.isSaid
    return { runner, kind, warning: isInert ? warningOf(kind, name, shared.join(", ")) : undefined }
  }

  return (policy) => {
    const found = known.get(policy)
    if (found !== undefined) {
      // A policy that is used again was made outside of its calls.
      if (found.kind !== undefined && found.kind.fresh > 0) found.kind.fresh--
      return found
    }
    const entry = make(policy)
    known.set(policy, entry)
    return entry
  }
}

const warningOf = (kind: Kind, name: string, shared: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (kind.isSaid) return Effect.void
    kind.isSaid = true
    return log(
      "Warn",
      `${name}: ${suspicious} policies with the same ${shared} were used once each. A policy that is made inside the call protects nothing: make it once, outside`
    )
  })
