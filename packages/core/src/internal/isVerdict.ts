import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type { Verdict } from "../Verdict.ts"

const paces: ReadonlySet<unknown> = new Set(["quick", "steady", "slow"])

const mayHave = (
  fields: { readonly [key: PropertyKey]: unknown },
  key: string,
  isRight: (value: unknown) => boolean
): boolean => !(key in fields) || isRight(fields[key])

/** Answers as the schema does. Every failed attempt asks, and the schema took a fifth of the time of a retried call. */
export const isVerdict = (value: unknown): value is Verdict => {
  if (!Predicate.isObject(value)) return false
  switch (value["_tag"]) {
    case "Permanent":
      return true
    case "Parked":
      return typeof value["until"] === "string"
    case "Throttled":
      return mayHave(value, "retryAfter", Duration.isDuration)
    case "Transient":
      return paces.has(value["pace"]) && mayHave(value, "limit", Number.isSafeInteger)
    default:
      return false
  }
}
