/**
 * Durations in the options of a schema, in any of Effect's forms, such as `30 seconds`.
 *
 * A schema's own constructor takes only values of Effect's `Duration`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Check from "./Check.ts"

/**
 * Options as code writes them: where a schema's constructor wants a duration, any of its forms will do.
 *
 * @category models
 * @since 0.1.0
 */
export type Input<Options> = Options extends Duration.Duration
  ? Duration.Input
  : Options extends object
    ? { readonly [Name in keyof Options]: Input<Options[Name]> }
    : Options

const aDuration = /*#__PURE__*/ Check.duration({ isEndless: true })

/**
 * The options that a schema's constructor takes: with durations in the place of their other forms. What is no duration stays as it is, so that the
 * schema refuses it by name. Only for schemas in which durations are the only values of a class.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resolve = <S extends Schema.Top>(schema: S, options: Input<S["~type.make.in"]>): S["~type.make.in"] =>
  resolved(SchemaAST.toType(schema.ast), options)

const resolved = (ast: SchemaAST.AST, value: unknown): unknown => {
  if (SchemaAST.isUnion(ast)) return ast.types.reduce((one, type) => resolved(type, one), value)
  if (SchemaAST.isDeclaration(ast))
    return aDuration.isRight(value) ? Duration.fromInputUnsafe(value as Duration.Input) : value
  if (Array.isArray(value)) {
    const rest = SchemaAST.isArrays(ast) ? ast.rest[0] : undefined
    return rest === undefined ? value : value.map((one) => resolved(rest, one))
  }
  if (!SchemaAST.isObjects(ast) || !Predicate.isObject(value) || Duration.isDuration(value)) return value
  const [any] = ast.indexSignatures
  const types = new Map(ast.propertySignatures.map(({ name, type }) => [name, type]))
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const type = types.get(name) ?? any?.type
      return [name, type === undefined ? field : resolved(type, field)]
    })
  )
}
