import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import { type RetryPolicy, RetryPolicy as Policy } from "../RetryPolicy.ts"
import { messageOf, strict } from "./schema.ts"
import { inCode, told } from "./told.ts"

/** What keeps a value from being what a schema makes. A field that is `undefined` counts as left out. */
export const problemsOf = <A>(schema: Schema.Codec<A, unknown>): ((value: unknown) => ReadonlyArray<string>) => {
  const type = Schema.toType(schema)
  const decode = SchemaParser.decodeUnknownResult(type)
  return (value) => {
    const given = Predicate.isObject(value) ? Record.filter({ ...value }, Predicate.isNotUndefined) : value
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
