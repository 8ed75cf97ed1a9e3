import * as Durations from "@redrive/core/Durations"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { inCode, told } from "./problems.ts"

/** A duration of a policy: a string in JSON, not negative and finite. */
export const PolicyDuration = Schema.DurationFromString.check(
  Schema.makeFilter((duration) => !Duration.isNegative(duration) && Duration.isFinite(duration), {
    expected: "a finite duration of zero or more"
  })
)

/** A duration above zero. */
export const SomeDuration = PolicyDuration.check(
  Schema.makeFilter((duration) => !Duration.isZero(duration), { expected: "a finite duration above zero" })
)

/** Every problem is found at once, and a field that does not exist is one. */
export const strict = { errors: "all", onExcessProperty: "error" } as const

/** A message about one problem, or about each on a line of its own. */
export const messageOf = (what: string, problems: ReadonlyArray<string>): string =>
  problems.length === 1 ? `${what}: ${problems[0]}` : [`${what}:`, ...problems].join("\n  ")

/** What a schema makes of options. The error's message names each field that is refused, its value and what is allowed. */
export const made = <S extends Schema.Top>(
  what: string,
  schema: S,
  options: Durations.Input<S["~type.make.in"]>
): S["Type"] => {
  try {
    return schema.make(Durations.resolve(schema, options), { parseOptions: strict })
  } catch (error) {
    const issue = error instanceof Error ? error.cause : undefined
    if (!SchemaIssue.isIssue(issue)) throw error
    // The message is enough: the issue as a cause would print the whole schema.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(messageOf(what, told(schema, issue, options, inCode)))
  }
}

/** An error of which only the message is known: an issue of the schema would print all of it. */
export const refusal = (problems: ReadonlyArray<string>): Schema.SchemaError =>
  new Schema.SchemaError(new SchemaIssue.InvalidValue({ message: problems.join("\n") }))

/** A field that may be left out, in code and in JSON. */
export const withDefault = <S extends Schema.Top & Schema.WithoutConstructorDefault>(
  schema: S,
  value: S["Type"] & S["~type.make.in"]
) =>
  schema.pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(value)),
    Schema.withConstructorDefault(Effect.succeed(value))
  )

export const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0, { expected: "an integer of 0 or more" }))

export const atLeastOne = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1, { expected: "an integer of 1 or more" }))

export const positive = Schema.Finite.check(Schema.isGreaterThan(0, { expected: "a number above 0" }))

export const natural = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0, { expected: "a number of 0 or more" }))

/** A share of something, above zero. */
export const upTo = (most: number) =>
  positive.check(Schema.isLessThanOrEqualTo(most, { expected: `a number above 0 and at most ${most}` }))

/** Rejects a backoff whose first wait is zero. */
export const notAtOnce = Schema.makeFilter(({ base }: { readonly base: Duration.Duration }) =>
  Duration.isZero(base) ? { path: ["base"], issue: "a wait of nothing" } : undefined
)
