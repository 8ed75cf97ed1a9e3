import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** A duration of a policy: a string in JSON, not negative and finite. */
export const PolicyDuration = Schema.DurationFromString.check(
  Schema.makeFilter((duration) => {
    if (Duration.isNegative(duration)) return "a duration below zero"
    return Duration.isFinite(duration) || "a duration without end"
  })
)

/** A duration above zero. */
export const SomeDuration = PolicyDuration.check(
  Schema.makeFilter((duration) => !Duration.isZero(duration) || "a duration of nothing")
)

/** Runs a schema's constructor; turns its refusal into an error whose message names the fields. */
export const made = <A>(construct: () => A): A => {
  try {
    return construct()
  } catch (error) {
    const issue = error instanceof Error ? error.cause : undefined
    if (!SchemaIssue.isIssue(issue)) throw error
    // The message is enough: the issue as a cause would print the whole schema.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(new Schema.SchemaError(issue).message)
  }
}

/** A field that may be left out, in code and in JSON. */
export const withDefault = <S extends Schema.Top & Schema.WithoutConstructorDefault>(
  schema: S,
  value: S["Type"] & S["~type.make.in"]
) =>
  schema.pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(value)),
    Schema.withConstructorDefault(Effect.succeed(value))
  )

export const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const atLeastOne = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** Rejects a backoff whose first wait is zero. */
export const notAtOnce = Schema.makeFilter(({ base }: { readonly base: Duration.Duration }) =>
  Duration.isZero(base) ? { path: ["base"], issue: "a wait of nothing" } : undefined
)
