import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const decodePolicy = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.toCodecJson(RetryPolicy.RetryPolicy)))

/** A worker meets few policies, and reading one takes longer than a short task. */
export const policies = () => {
  const known = new Map<string, Option.Option<RetryPolicy.RetryPolicy>>()
  return (text: string): Option.Option<RetryPolicy.RetryPolicy> => {
    const before = known.get(text)
    if (before !== undefined) return before
    if (known.size >= 1000) known.clear()
    const policy = decodePolicy(text)
    known.set(text, policy)
    return policy
  }
}
