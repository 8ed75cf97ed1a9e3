import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type * as Check from "@redrive/core/Check"
import { type RetryPolicy, RetryPolicy as Policy } from "../../RetryPolicy.ts"
import { messageOf, strict } from "./schema.ts"
import { inCode, told } from "./problems.ts"

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** Leaves out fields that are undefined: in code they mean the same as absent ones. Durations and other class instances stay. */
const present = (value: unknown): unknown => {
  if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value
  const given = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(given.map(([name, field]) => [name, present(field)]))
}

/** Why a value is not one that a schema makes, in words for people; nothing if it is one. */
export const problemsOf = <A>(schema: Schema.Codec<A, unknown>): ((value: unknown) => ReadonlyArray<string>) => {
  const type = Schema.toType(schema)
  const decode = SchemaParser.decodeUnknownResult(type)
  return (value) => {
    const given = present(value)
    const result = decode(given, strict)
    return Result.isFailure(result) ? told(type, result.failure, given, inCode) : []
  }
}

const problems = /*#__PURE__*/ problemsOf(Policy)

/** Throws an error that names what is wrong with a policy. `RetryPolicy.make` checks, but nothing checks a copy with other fields. */
export const checkPolicy = (policy: RetryPolicy, name: string): void => {
  const found = problems(policy)
  if (found.length > 0)
    throw new Error(messageOf(`the policy of ${name} is not a policy; use RetryPolicy.make({ ... })`, found))
}

/** A policy as an option. A message about a wrong one names its fields. */
export const policyRule: Check.Rule = {
  allowed: "a RetryPolicy",
  isRight: (value) => problems(value).length === 0,
  show: (value) => (isObject(value) ? `an object (${problems(value).join(", ")})` : String(value))
}
