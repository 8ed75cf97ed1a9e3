import * as Predicate from "effect/Predicate"
import * as Failure from "@redrive/core/Failure"
import type { Fields, Override } from "../../RetryPolicy.ts"

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
    const { code, detail }: { readonly code?: unknown; readonly detail?: unknown } = Failure.isFailure(failure)
      ? { code: failure.code, detail: failure.reason.detail }
      : Object(failure)
    return { code: textOf(code), detail: textOf(detail) }
  } catch {
    // A getter of a foreign error threw.
    return {}
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** The most exact override wins. */
export const overrideOf = ({ overrides }: Fields, { code, detail }: Code): typeof Override.Type | undefined => {
  if (code === undefined) return undefined
  const names = detail === undefined ? [code] : [`${code}/${detail}`, code]
  const name = names.find((one) => Object.hasOwn(overrides, one))
  return name === undefined ? undefined : overrides[name]
}
