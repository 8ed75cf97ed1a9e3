import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A duration of a policy: text in JSON, never below zero. */
export const PolicyDuration = Schema.DurationFromString.check(
  Schema.makeFilter((duration) => !Duration.isNegative(duration) || "a duration below zero")
)

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
