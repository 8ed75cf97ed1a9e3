import * as Predicate from "effect/Predicate"
import * as Failure from "@redrive/core/Failure"
import type { Fields, Override } from "../RetryPolicy.ts"

/** The keys by which overrides match a failure. */
export interface Code {
  readonly code?: string | undefined
  readonly detail?: string | undefined
}

/** The code of a failure, also when a nested call has wrapped it in a `RetryExhausted`. */
export const codeOf = (failure: unknown): Code => {
  if (Predicate.isTagged(failure, "RetryExhausted") && Predicate.hasProperty(failure, "failure"))
    return codeOf(failure.failure)
  try {
    if (Failure.isFailure(failure)) return { code: failure.code, detail: failure.reason.detail }
    return Predicate.hasProperty(failure, "code") && typeof failure.code === "string" ? { code: failure.code } : {}
  } catch {
    // A getter of a foreign error threw.
    return {}
  }
}

/** The most exact override wins. */
export const overrideOf = ({ overrides }: Fields, { code, detail }: Code): typeof Override.Type | undefined => {
  if (code === undefined) return undefined
  const names = detail === undefined ? [code] : [`${code}/${detail}`, code]
  const name = names.find((one) => Object.hasOwn(overrides, one))
  return name === undefined ? undefined : overrides[name]
}
