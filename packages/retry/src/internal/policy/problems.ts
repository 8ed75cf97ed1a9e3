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
  /** Describes the struct that should have been given. */
  readonly struct: (path: Path, fields: ReadonlyArray<string>, tags?: ReadonlyArray<string>) => string
  /** A value that is not the input's own. */
  readonly isDefault?: (path: Path) => boolean
}

const dotted = (path: Path): string => path.join(".") || "the policy"

const object: How["struct"] = (_, fields, tags) =>
  tags === undefined
    ? ["an object", ...fields].join(", ").replace(",", " of")
    : `an object with _tag ${tags.join(", ")}`

export const inCode: How = { name: dotted, duration: '"10 seconds"', struct: object }

/** All that is wrong with an input: the name of each field, its value and what is allowed. */
export const told = (schema: Schema.Top, issue: SchemaIssue.Issue, input: unknown, how: How): ReadonlyArray<string> => [
  ...new Set(new Teller(SchemaAST.toType(schema.ast), input, how).visit(issue, []))
]

class Teller {
  readonly root: SchemaAST.AST
  readonly input: unknown
  readonly how: How

  constructor(root: SchemaAST.AST, input: unknown, how: How) {
    this.root = root
    this.input = input
    this.how = how
  }

  visit(issue: SchemaIssue.Issue, path: Path): ReadonlyArray<string> {
    const value = at(this.input, path)
    switch (issue._tag) {
      case "Pointer":
        return this.visit(issue.issue, [...path, ...issue.path.map(String)])
      case "Filter":
      case "Encoding":
        return this.visit(issue.issue, path)
      case "AnyOf":
        if (!Predicate.isObject(value)) return [this.wrong(path)]
        // A constructor fills in the tag of every member, and would tell what each of them lacks.
        if (issue.issues.length === 0 || !("_tag" in value)) return [this.untagged(path)]
        return issue.issues.flatMap((one) => this.visit(one, path))
      case "Composite":
        return issue.issues.flatMap((one) => this.visit(one, path))
      case "MissingKey":
        return [this.missing(path)]
      case "UnexpectedKey":
        return [this.unknown(path)]
      case "InvalidValue": {
        const message = issue.annotations?.message
        if (message === undefined) return [this.wrong(path)]
        const isStruct = Predicate.isObject(value) && !Duration.isDuration(value)
        return [`${isStruct ? this.how.name(path) : this.is(path)}: ${message}`]
      }
      default:
        return [this.wrong(path)]
    }
  }

  is(path: Path): string {
    return `${this.how.name(path)} is ${shown(at(this.input, path))}${this.how.isDefault?.(path) ? " by default" : ""}`
  }

  allowed(path: Path): string {
    const members = membersAt(this.root, this.input, path)
    const tags = members.flatMap((ast) => tagOf(ast) ?? [])
    const others = members.filter((ast) => tagOf(ast) === undefined).map(taken(path, this.how))
    const all = [...new Set(others), ...(tags.length === 0 ? [] : [this.how.struct(path, ["_tag"], tags)])]
    return `allowed: ${all.join(", ")}`
  }

  wrong(path: Path): string {
    return `${this.is(path)}; ${this.allowed(path)}`
  }

  missing(path: Path): string {
    return `${this.how.name(path)} is missing; ${this.allowed(path)}`
  }

  /** A struct of a union without a tag, or with one that no member has. */
  untagged(path: Path): string {
    const tag = [...path, "_tag"]
    if (at(this.input, tag) !== undefined) return this.wrong(tag)
    const hints = Object.keys(Object(at(this.input, path))).flatMap((field) => this.belongs(path, field))
    return this.missing(tag) + (hints.length === 0 ? "" : ` (${hints.join(", ")})`)
  }

  /** The members of a tagged union that have a field. */
  belongs(path: Path, field: string): ReadonlyArray<string> {
    const members = membersAt(this.root, undefined, path)
    const tags = members.flatMap((ast) => (typeAt(ast, field) ? (tagOf(ast) ?? []) : []))
    return tags.length === 0 ? [] : [`${this.how.name([...path, field])} belongs to ${tags.join(", ")}`]
  }

  unknown(path: Path): string {
    const [parent, field] = [path.slice(0, -1), path.at(-1) ?? ""]
    const [hint] = this.belongs(parent, field)
    if (hint !== undefined) return `${hint}; ${this.is([...parent, "_tag"])}`
    const fields = membersAt(this.root, this.input, parent).flatMap(fieldsOf)
    const near = nearest(fields, field)
    const instead =
      near === undefined ? `allowed: ${fields.join(", ")}` : `the nearest is ${this.how.name([...parent, near])}`
    return `${this.how.name(path)} is unknown; ${instead}`
  }
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
const taken =
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
