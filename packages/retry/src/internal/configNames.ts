import * as Text from "effect/String"

export type Path = ReadonlyArray<string>

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

export interface Problem {
  readonly path: Path
  readonly issue: string
}

/** Variables that Kubernetes adds to a container's environment for a service of the same name. */
const serviceLink = /^(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT)$/

/** Names listed under a policy's name that set no field of the policy. */
export const strange = (
  fields: ReadonlyArray<Field>,
  given: ReadonlyArray<Given>,
  where: Path,
  listed: Listed
): ReadonlyArray<Problem> => {
  if (typeof listed === "string") return [{ path: where, issue: "a policy is given by its fields, not by one text" }]
  return endsOf(listed).flatMap(({ listed, path }) => {
    const issue = problemOf(fields, given, where, path, listed)
    return issue === undefined ? [] : [{ path: [...where, ...path], issue }]
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
  if (field === undefined) {
    return serviceLink.test(path.join("_")) ? undefined : `${name} is not a field${nearest(fields, where, path)}`
  }
  if (listed === undefined) return `${name} is a list, and the field takes one value`
  if (text === undefined) return `${name} is not read: write ${nameOf(where, field.path, isConstant(path))}`
  return text === listed ? undefined : `${name} is not read: another name sets the same field`
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
const plain = (path: Path): string =>
  path
    .join("")
    .replaceAll(/[^a-z0-9]/gi, "")
    .toLowerCase()

const isConstant = (path: Path): boolean => !/[a-z]/.test(path.join(""))

/** The name of a variable, or the path in a document. */
const nameOf = (where: Path, path: Path, isVariable = isConstant(path)): string =>
  isVariable ? [...where, ...path].map(Text.configCase).join("_") : [...where, ...path].join(".")

/** The field with the most similar name, unless even that name is wholly different. */
const nearest = (fields: ReadonlyArray<Field>, where: Path, path: Path): string => {
  const key = plain(path)
  const [first] = fields
    .map((field) => ({ field, changes: distance(key, plain(field.path)) }))
    .toSorted((one, other) => one.changes - other.changes)
  if (first === undefined || first.changes > key.length / 2) return ""
  return `; the nearest is ${nameOf(where, first.field.path, isConstant(path))}`
}

/** Levenshtein distance: how many letters must be added, removed or replaced to turn one string into the other. */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [i, letter] of one.split("").entries()) {
    const next = [i + 1]
    for (const [j, wanted] of other.split("").entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === wanted ? 0 : 1)))
    }
    row = next
  }
  return row[other.length]!
}
