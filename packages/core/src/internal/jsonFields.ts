import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as String from "effect/String"

/** A field that reads null and absent as `missing`, and always writes a value. */
export const orElse = <S extends Schema.Constraint>(schema: S, missing: S["Type"]) =>
  Schema.optional(Schema.NullOr(schema)).pipe(
    Schema.decodeTo(
      Schema.toType(schema),
      SchemaTransformation.transformOptional<S["Type"], S["Type"] | null | undefined>({
        decode: (value) => Option.some(Option.getOrUndefined(value) ?? missing),
        encode: (value) => value
      })
    )
  )

type Snake<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Tail>}`
  : Name

type SnakeKeys<Fields> = { readonly [Name in keyof Fields]: Name extends string ? Snake<Name> : never }

/** A struct whose keys are written in snake case. */
export const snakeKeys = <const Fields extends Schema.Struct.Fields>(fields: Fields) => {
  const names = Object.keys(fields).map((name) => [name, String.camelToSnake(name)])
  return Schema.Struct(fields).pipe(
    Schema.encodeKeys<Schema.Struct<Fields>, SnakeKeys<Fields>>(Object.fromEntries(names))
  )
}

/** A text that may be missing. */
export const text = orElse(Schema.String, "")

/** A whole number that may be missing. */
export const int = orElse(Schema.Int, 0)

/** A boolean that may be missing. */
export const flag = orElse(Schema.Boolean, false)

/** An optional field: null reads as absent, and an absent value is not written. */
export const maybe = <S extends Schema.Constraint>(schema: S) =>
  Schema.optionalKey(Schema.NullOr(schema)).pipe(
    Schema.decodeTo(
      Schema.optionalKey(Schema.toType(schema)),
      SchemaTransformation.transformOptional<S["Type"], S["Type"] | null>({
        decode: Option.filter((value) => value !== null),
        encode: (value) => value
      })
    )
  )

/** A date and time in ISO 8601. An unreadable one reads as absent; an absent one is written as null. */
export const isoDate = Schema.optionalKey(Schema.NullOr(Schema.String)).pipe(
  Schema.decodeTo(
    Schema.optionalKey(Schema.DateTimeUtc),
    SchemaTransformation.transformOptional<DateTime.Utc, string | null>({
      decode: Option.flatMap((value) => (value === null ? Option.none() : utc(value))),
      encode: (value) => Option.some(Option.getOrNull(Option.map(value, DateTime.formatIso)))
    })
  )
)

const utc = (value: string): Option.Option<DateTime.Utc> => Option.map(DateTime.make(value), DateTime.toUtc)
