import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as String from "effect/String"

/** What a reader says of a value that it does not take, or leaves to the schema. */
export const unfit: unique symbol = Symbol("unfit")

/**
 * A value in JSON: its schema, and a reader that gives the same at a tenth of the time. `undefined` means absent. What a reader does not
 * take, the schema refuses, and says where.
 */
export interface Field<S extends Schema.Constraint> {
  readonly schema: S
  readonly read: (json: unknown) => S["Type"] | undefined | typeof unfit
}

/** A value that is the same in JSON and in a program. */
export const same = <S extends Schema.Constraint>(schema: S): Field<S> => {
  const is = Schema.is(schema)
  return { schema, read: (json) => (is(json) ? json : unfit) }
}

export const list = <S extends Schema.Constraint>({ read, schema }: Field<S>): Field<Schema.$Array<S>> => ({
  schema: Schema.Array(schema),
  read: (json) => {
    if (!Array.isArray(json)) return unfit
    const values: Array<S["Type"]> = []
    for (const one of json as ReadonlyArray<unknown>) {
      const value = read(one)
      if (value === unfit) return unfit
      values.push(value)
    }
    return values
  }
})

/** A field that reads null and absent as `missing`, and always writes a value. */
export const orElse = <S extends Schema.Constraint>({ read, schema }: Field<S>, missing: S["Type"]) => ({
  schema: Schema.optional(Schema.NullOr(schema)).pipe(
    Schema.decodeTo(
      Schema.toType(schema),
      SchemaTransformation.transformOptional<S["Type"], S["Type"] | null | undefined>({
        decode: (value) => Option.some(Option.getOrUndefined(value) ?? missing),
        encode: (value) => value
      })
    )
  ),
  read: (json: unknown) => (json === undefined || json === null ? missing : read(json))
})

type Snake<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Tail>}`
  : Name

type SnakeKeys<Fields> = { readonly [Name in keyof Fields]: Name extends string ? Snake<Name> : never }

type Fields = { readonly [name: string]: Field<Schema.Constraint> }

type Schemas<F extends Fields> = { readonly [Name in keyof F]: F[Name]["schema"] }

/** A struct whose keys are written in snake case. */
export const snakeKeys = <const F extends Fields>(fields: F) => {
  const keys = Object.keys(fields).map((name) => [name, String.camelToSnake(name)])
  const schemas = Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]))
  const schema = Schema.Struct(schemas as Schemas<F>).pipe(
    Schema.encodeKeys<Schema.Struct<Schemas<F>>, SnakeKeys<Schemas<F>>>(Object.fromEntries(keys) as never)
  )
  const readers = Object.entries(fields).map(([name, { read }]) => ({ name, key: String.camelToSnake(name), read }))
  const read = (json: unknown): (typeof schema)["Type"] | typeof unfit => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return unfit
    const found: Record<string, unknown> = {}
    for (const { key, name, read } of readers) {
      const value = (json as { readonly [key: string]: unknown })[key]
      // No JSON has it, and only some schemas take it.
      if (value === undefined && key in json) return unfit
      const own = read(value)
      if (own === unfit) return unfit
      if (own !== undefined) found[name] = own
    }
    return found as (typeof schema)["Type"]
  }
  return { schema, read }
}

/** A text that may be missing. */
export const text = orElse(same(Schema.String), "")

/** A whole number that may be missing. */
export const int = orElse(same(Schema.Int), 0)

/** A boolean that may be missing. */
export const flag = orElse(same(Schema.Boolean), false)

/** An optional field: null reads as absent, and an absent value is not written. */
export const maybe = <S extends Schema.Constraint>({ read, schema }: Field<S>) => ({
  schema: Schema.optionalKey(Schema.NullOr(schema)).pipe(
    Schema.decodeTo(
      Schema.optionalKey(Schema.toType(schema)),
      SchemaTransformation.transformOptional<S["Type"], S["Type"] | null>({
        decode: Option.filter((value) => value !== null),
        encode: (value) => value
      })
    )
  ),
  read: (json: unknown) => (json === undefined || json === null ? undefined : read(json))
})

/** A date and time in ISO 8601. An unreadable one reads as absent; an absent one is written as null. */
export const isoDate = {
  schema: Schema.optionalKey(Schema.NullOr(Schema.String)).pipe(
    Schema.decodeTo(
      Schema.optionalKey(Schema.DateTimeUtc),
      SchemaTransformation.transformOptional<DateTime.Utc, string | null>({
        decode: Option.flatMap((value) => (value === null ? Option.none() : utc(value))),
        encode: (value) => Option.some(Option.getOrNull(Option.map(value, DateTime.formatIso)))
      })
    )
  ),
  read: (json: unknown) => {
    if (json === undefined || json === null) return undefined
    return typeof json === "string" ? Option.getOrUndefined(utc(json)) : unfit
  }
}

const utc = (value: string): Option.Option<DateTime.Utc> => Option.map(DateTime.make(value), DateTime.toUtc)
