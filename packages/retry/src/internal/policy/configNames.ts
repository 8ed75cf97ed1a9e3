import * as Text from "effect/String"
import { nearest as nearestName, plain as plainName } from "./nearest.ts"
import type { Path } from "./problems.ts"

/** What a provider lists below a path. An array in it is `undefined`, since no field takes one. */
export type Listed = string | undefined | { readonly [key: string]: Listed }

/** A field that takes one string; the string of a record is JSON. */
export interface Field {
  readonly path: Path
  readonly isRecord: boolean
}

/** A field, and its string in the configuration. */
export interface Given {
  readonly field: Field
  readonly text: string
}

/** Variables that Kubernetes adds to a container's environment for a service of the same name. */
const serviceLink = /^(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT)$/

const another = "is not read: another name sets the same field"

const isSame = (one: Path, other: Path): boolean => plain(one) === plain(other)

/** Names listed under a policy's name that set no field of the policy. */
export const strange = (
  fields: ReadonlyArray<Field>,
  given: ReadonlyArray<Given>,
  where: Path,
  listed: Listed
): ReadonlyArray<string> => {
  if (typeof listed === "string")
    return [
      `${nameOf(where, [], isConstant(where))} is a text; allowed: ${fieldsBelow(fields, where, [], isConstant(where))}`
    ]
  const ends = endsOf(listed)
  return ends.flatMap((end) => {
    const problem = problemOf(fields, given, where, end.path, end.listed)
    // A variable may set what a document behind it sets: only one source that has both names is in doubt.
    const isBehind =
      problem?.endsWith(another) === true && !ends.some((one) => one !== end && isSame(one.path, end.path))
    return problem === undefined || isBehind ? [] : [problem]
  })
}

const problemOf = (
  fields: ReadonlyArray<Field>,
  given: ReadonlyArray<Given>,
  where: Path,
  path: Path,
  listed: Listed
): string | undefined => {
  const key = plain(path)
  const name = nameOf(where, path)
  const field = fields.find((one) => plain(one.path) === key)
  const record = fields.find((one) => one.isRecord && key.startsWith(plain(one.path)))
  const text = given.find((one) => one.field === (record ?? field))?.text
  if (record !== undefined && record !== field) {
    if (record.path.every((segment, index) => path[index] === segment) && text === undefined) return undefined
    return `${name} is not a field: ${nameOf(where, record.path, isConstant(path))} takes one JSON object`
  }
  if (typeof listed === "object") {
    const isKnown = isConstant(path) || fields.some((one) => plain(one.path).startsWith(key))
    return isKnown ? undefined : `${name} is not a field${nearest(fields, where, path)}`
  }
  if (field === undefined && isGroup(fields, key)) {
    // Not the text itself: under a name such as SERVER it may be another program's, with a password.
    const is = listed === undefined ? "a list" : "a text"
    return `${name} is ${is}; allowed: ${fieldsBelow(fields, where, path, isConstant(path))}`
  }
  if (field === undefined) {
    return serviceLink.test(path.join("_")) ? undefined : `${name} is not a field${nearest(fields, where, path)}`
  }
  if (listed === undefined) return `${name} is a list, and the field takes one value`
  if (text === undefined) return `${name} is not read: write ${nameOf(where, field.path, isConstant(path))}`
  return text === listed ? undefined : `${name} ${another}`
}

/** Whether a name is that of fields together, such as a breaker's. */
const isGroup = (fields: ReadonlyArray<Field>, key: string): boolean =>
  fields.some((field) => field.path.some((_, end) => plain(field.path.slice(0, end)) === key))

/** The allowed fields below a name that has no value of its own. */
export const fieldsBelow = (fields: ReadonlyArray<Field>, where: Path, path: Path, isVariable: boolean): string => {
  const field = fields.find((one) => plain(one.path).startsWith(plain(path)) && plain(one.path) !== plain(path))
  return `fields of its own, such as ${nameOf(where, field?.path ?? [], isVariable)}`
}

/** The leaves of a tree: strings, arrays and empty records. */
export const endsOf = (
  listed: Listed,
  path: Path = []
): ReadonlyArray<{ readonly path: Path; readonly listed: Listed }> => {
  const entries = typeof listed === "object" ? Object.entries(listed) : []
  if (entries.length > 0) return entries.flatMap(([key, one]) => endsOf(one, [...path, key]))
  return path.length === 0 ? [] : [{ path, listed }]
}

/** A path in lower case, without separators. */
const plain = (path: Path): string => plainName(path.join(""))

export const isConstant = (path: Path): boolean => !/[a-z]/.test(path.join(""))

/** The name of a variable, or the path in a document. */
export const nameOf = (where: Path, path: Path, isVariable = isConstant(path)): string =>
  isVariable ? [...where, ...path].map(Text.configCase).join("_") : [...where, ...path].join(".")

/** The field with the most similar name. */
const nearest = (fields: ReadonlyArray<Field>, where: Path, path: Path): string => {
  const near = nearestName(
    fields.map((field) => field.path.join(".")),
    path.join(".")
  )
  return near === undefined ? "" : `; the nearest is ${nameOf(where, near.split("."), isConstant(path))}`
}
