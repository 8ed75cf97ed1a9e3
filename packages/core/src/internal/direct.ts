import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** What a class made with a schema is called with. */
type Facts = { readonly [name: string]: unknown }

interface Field {
  readonly name: string
  readonly isOptional: boolean
  readonly is: (value: unknown) => boolean
}

/** A class made with a schema. */
type Base = Function & { readonly fields: Schema.Struct.Fields }

/** Checks of fields that need more than a look at their value. */
type Known = { readonly [name: string]: (value: unknown) => boolean }

/**
 * Finds the fields that the schema of an error class would give an instance, in a fraction of the time; `undefined` if only the schema
 * can, or can say what is wrong.
 */
export const fieldsOf = (base: Base, tag: string, known: Known = {}): ((facts: unknown) => Facts | undefined) => {
  let fields: ReadonlyArray<Field> | undefined
  return (facts) => {
    fields ??= plainFields(base, known)
    if (fields.length === 0 || !Predicate.isObject(facts)) return undefined
    if (facts["_tag"] !== undefined && facts["_tag"] !== tag) return undefined
    const own: Record<string, unknown> = { _tag: tag }
    for (const { is, isOptional, name } of fields) {
      const value = facts[name]
      if (value === undefined ? !isOptional || name in facts : !is(value)) return undefined
      if (value !== undefined) own[name] = value
    }
    return own
  }
}

/** The fields of a class. None if one of them is not plain: then all are the schema's. */
const plainFields = (base: Base, known: Known): ReadonlyArray<Field> => {
  // A name may be a symbol.
  if (Object.getOwnPropertySymbols(base.fields).length > 0) return []
  const fields: Array<Field> = []
  for (const [name, field] of Object.entries(base.fields)) {
    if (name === "_tag") continue
    const schema = Schema.toType(field)
    if (known[name] === undefined && !isPlain(schema.ast)) return []
    fields.push({ name, is: known[name] ?? Schema.is(schema), isOptional: SchemaAST.isOptional(schema.ast) })
  }
  return fields
}

const plain: ReadonlySet<string> = new Set(["String", "Number", "Boolean", "Literal", "Unknown"])

/** Whether a value is taken as it is, or not at all: nothing within it is made or copied, and nothing stands in for it. */
const isPlain = (ast: SchemaAST.AST): boolean => {
  if (ast.context?.constructorDefault !== undefined) return false
  if (SchemaAST.isUnion(ast)) return ast.types.every(isPlain)
  return SchemaAST.isDeclaration(ast) ? ast.typeParameters.length === 0 : plain.has(ast._tag)
}
