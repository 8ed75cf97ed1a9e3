import * as Predicate from "effect/Predicate"
import * as Failure from "@redrive/core/Failure"

/** The code and the detail by which overrides know a failure. */
export const codeOf = (failure: unknown): { readonly code?: string; readonly detail?: string | undefined } => {
  if (Failure.isFailure(failure)) return { code: failure.code, detail: failure.reason.kind }
  return Predicate.hasProperty(failure, "code") && typeof failure.code === "string" ? { code: failure.code } : {}
}
