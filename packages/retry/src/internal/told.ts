import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Check from "@redrive/core/Check"
import { nearest } from "./nearest.ts"

export type Path = ReadonlyArray<string>

/** How an input names its fields and writes its values: code, JSON or variables. */
export interface How {
  readonly name: (path: Path) => string
  /** An example of a duration. */
  readonly duration: string
  /** What stands in place of a struct that is not one. */
  readonly struct: (path: Path, fields: ReadonlyArray<string>, tags?: ReadonlyArray<string>) => string
  /** A value that is not the input's own. */
  readonly isDefault?: (path: Path) => boolean
}

const dotted = (path: Path): string => path.join(".") || "the policy"

const object: How["struct"] = (_, fields, tags) =>
  tags === undefined
    ? ["an object", ...fields].join(", ").replace(",", " of")
    : `an object with _tag ${tags.join(", ")}`

export const inCode: How = { name: dotted, duration: "Duration.seconds(10)", struct: object }

export const inJson: How = { ...inCode, duration: '"10 seconds"' }

/** All that is wrong with an input: the name of each field, its value and what is allowed. */
export const told = (schema: Schema.Top, issue: SchemaIssue.Issue, input: unknown, how: How): ReadonlyArray<string> => {
  const root = SchemaAST.toType(schema.ast)
  const { name } = how
  const allowed = (path: Path): string => {
    const members = membersAt(root, input, path)
    const tags = members.flatMap((ast) => tagOf(ast) ?? [])
    const others = members.filter((ast) => tagOf(ast) === undefined).map(one(path, how))
    return [...new Set(others), ...(tags.length === 0 ? [] : [how.struct(path, ["_tag"], tags)])].join(", ")
  }
  const is = (path: Path) => `${name(path)} is ${shown(at(input, path))}${how.isDefault?.(path) ? " by default" : ""}`
  const wrong = (path: Path) => `${is(path)}; allowed: ${allowed(path)}`

  const missing = (path: Path) => `${name(path)} is missing; allowed: ${allowed(path)}`

  const untagged = (path: Path): string => {
    const tag = [...path, "_tag"]
    if (at(input, tag) !== undefined) return wrong(tag)
    const hints = Object.keys(Object(at(input, path))).flatMap((field) => belongs(path, field))
    return `${missing(tag)}${hints.length === 0 ? "" : ` (${hints.join(", ")})`}`
  }

  /** The one member of a union that has a field. */
  const belongs = (path: Path, field: string): ReadonlyArray<string> => {
    const tags = membersAt(root, undefined, path).flatMap((ast) => (typeAt(ast, field) ? (tagOf(ast) ?? []) : []))
    return tags.length === 0 ? [] : [`${name([...path, field])} belongs to ${tags.join(", ")}`]
  }

  const unknown = (path: Path): string => {
    const [parent, field] = [path.slice(0, -1), path.at(-1) ?? ""]
    const [hint] = belongs(parent, field)
    if (hint !== undefined) return `${hint}; ${is([...parent, "_tag"])}`
    const fields = membersAt(root, input, parent).flatMap(fieldsOf)
    const near = nearest(fields, field)
    return `${name(path)} is unknown; ${near === undefined ? `allowed: ${fields.join(", ")}` : `the nearest is ${name([...parent, near])}`}`
  }

  const visit = (issue: SchemaIssue.Issue, path: Path): ReadonlyArray<string> => {
    const value = at(input, path)
    switch (issue._tag) {
      case "Pointer":
        return visit(issue.issue, [...path, ...issue.path.map(String)])
      case "Filter":
      case "Encoding":
        return visit(issue.issue, path)
      case "AnyOf":
        if (!Predicate.isObject(value)) return [wrong(path)]
        // A constructor fills in the tag of every member, and would tell what each of them lacks.
        if (issue.issues.length === 0 || !("_tag" in value)) return [untagged(path)]
        return issue.issues.flatMap((one) => visit(one, path))
      case "Composite":
        return issue.issues.flatMap((one) => visit(one, path))
      case "MissingKey":
        return [missing(path)]
      case "UnexpectedKey":
        return [unknown(path)]
      case "InvalidValue": {
        const message = issue.annotations?.message
        if (message === undefined) return [wrong(path)]
        return [`${Predicate.isObject(value) && !Duration.isDuration(value) ? name(path) : is(path)}: ${message}`]
      }
      default:
        return [wrong(path)]
    }
  }
  return [...new Set(visit(issue, []))]
}

const shown = (value: unknown): string => {
  if (value === undefined) return "undefined"
  return Duration.isDuration(value) ? Duration.format(value) : Check.shown(value)
}

export const at = (input: unknown, path: Path): unknown =>
  path.reduce(
    (one, field) => (Predicate.isObject(one) && Object.hasOwn(one, field) ? Reflect.get(one, field) : undefined),
    input
  )

/** What one schema takes. */
const one =
  (path: Path, how: How) =>
  (ast: SchemaAST.AST): string => {
    if (SchemaAST.isLiteral(ast)) return String(ast.literal)
    if (SchemaAST.isObjects(ast)) return how.struct(path, fieldsOf(ast))
    const expected = String(ast.checks?.at(-1)?.annotations?.["expected"])
    return SchemaAST.isDeclaration(ast) ? `${expected}, such as ${how.duration}` : expected
  }

/** The schemas that a value at a path may have; of a tagged union only that whose tag the input has. */
const membersAt = (ast: SchemaAST.AST, input: unknown, path: Path): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) {
    const tagged = ast.types.filter((member) => (tagOf(member) ?? 0) === at(input, ["_tag"]))
    return (tagged.length > 0 && path.length > 0 ? tagged : ast.types).flatMap((one) => membersAt(one, input, path))
  }
  const [field, ...others] = path
  if (field === undefined) return [ast]
  const type = typeAt(ast, field)
  return type === undefined ? [] : membersAt(type, at(input, [field]), others)
}

const typeAt = (ast: SchemaAST.AST, field: string): SchemaAST.AST | undefined =>
  SchemaAST.isObjects(ast)
    ? (ast.propertySignatures.find(({ name }) => name === field) ?? ast.indexSignatures[0])?.type
    : undefined

const fieldsOf = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  SchemaAST.isObjects(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []

const tagOf = (ast: SchemaAST.AST): string | undefined => {
  const tag = typeAt(ast, "_tag")
  return tag !== undefined && SchemaAST.isLiteral(tag) ? String(tag.literal) : undefined
}
