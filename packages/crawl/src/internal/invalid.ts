/**
 * Why a request breaks the contract, in words: which field is wrong, and what is expected of it.
 */
import * as Predicate from "effect/Predicate"
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import type * as Schema from "effect/Schema"

/** A field that is wrong, and why. */
export interface Invalid {
  readonly field: string
  readonly why: string
}

const listed = (words: ReadonlyArray<string>, last: "and" | "or"): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`

/** What is expected of a value: what its last check says, or its type. */
const expectedOf = (ast: SchemaAST.AST): string => {
  if (SchemaAST.isUnion(ast)) return listed(ast.types.map(expectedOf), "or")
  if (SchemaAST.isLiteral(ast)) return ast.literal === "" ? "empty" : String(ast.literal)
  if (SchemaAST.isBoolean(ast)) return "true or false"
  if (SchemaAST.isArrays(ast)) return `a list of ${listed(ast.rest.map(expectedOf), "or")}`
  const checked = ast.checks?.at(-1)?.annotations?.["expected"]
  return Predicate.isString(checked) ? checked : "a text"
}

/** The first field that an issue speaks of; of a request that is no object, the request body. */
export const invalidOf = (issue: SchemaIssue.Issue): Invalid => {
  if (issue._tag === "Encoding") return invalidOf(issue.issue)
  // A body is one of the media types that the operation takes.
  if (issue._tag === "AnyOf" && issue.issues[0] !== undefined) return invalidOf(issue.issues[0])
  if (issue._tag === "Composite" && SchemaAST.isObjects(issue.ast)) {
    const [first] = issue.issues
    const name = first._tag === "Pointer" ? first.path[0] : undefined
    const type = issue.ast.propertySignatures.find((property) => property.name === name)?.type
    if (first._tag === "Pointer" && type !== undefined) {
      const expected = `it is ${expectedOf(type)}`
      return { field: String(name), why: first.issue._tag === "MissingKey" ? `it is missing; ${expected}` : expected }
    }
  }
  return { field: "request body", why: "it is a JSON object" }
}

/** The first query parameter that an operation does not have: nobody should wait for what they ask. */
export const strangeOf = (given: object, schema: Schema.Top | undefined): Invalid | undefined => {
  const known = schema !== undefined && SchemaAST.isObjects(schema.ast) ? schema.ast.propertySignatures : []
  const names = known.map(({ name }) => String(name))
  const field = Object.keys(given).find((name) => !names.includes(name))
  if (field === undefined) return undefined
  const others = names.length === 0 ? "no query parameters" : `only the query parameters ${listed(names, "and")}`
  return { field, why: `this operation has ${names.length === 1 ? `only the query parameter ${names[0]}` : others}` }
}
