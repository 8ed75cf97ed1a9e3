import * as Predicate from "effect/Predicate"
import * as Check from "@redrive/core/Check"
import { endsOf, type Field, type Given, type Listed } from "./configNames.ts"
import type { Path } from "./problems.ts"

interface Input {
  [name: string]: unknown
}

/** A string that is not a value of its field. */
export interface Problem {
  readonly path: Path
  readonly issue: string
}

/** The strings of the fields as one value, for a codec whose leaves are strings. */
export const inputOf = (
  fields: ReadonlyArray<Field>,
  given: ReadonlyArray<Given>,
  listed: Listed
): { readonly value: unknown; readonly problems: ReadonlyArray<Problem> } => {
  const value: Input = {}
  const problems: Array<Problem> = []
  const put = (path: Path, one: unknown) => {
    const taken = set(value, path, one)
    if (taken !== undefined) problems.push({ path: taken, issue: ": give one text or fields, not both" })
  }
  // `breaker: {}` asks for a breaker with all defaults.
  for (const { listed: one, path } of endsOf(listed)) {
    if (typeof one === "object" && fields.some((field) => isWithin(field.path, path))) put(path, {})
  }
  for (const { isRecord, path } of fields) {
    const text = given.find(({ field }) => field.path === path)?.text
    const record = isRecord ? path.reduce((one, name) => childOf(one, name), listed) : undefined
    if (text === undefined && typeof record === "object") put(path, record)
    else if (text !== undefined && !isRecord) put(path, text)
    else if (text !== undefined) {
      const parsed = parse(text)
      if (parsed === undefined) problems.push({ path, issue: ` is ${Check.shown(text)}; allowed: a JSON object` })
      else put(path, parsed)
    }
  }
  return { value, problems }
}

/** A value over the one that holds where it is silent, field by field; but a record is one value, and so are fields of another tag. */
export const over = (base: unknown, given: unknown, fields: ReadonlyArray<Field>, path: Path = []): unknown => {
  if (!Predicate.isObject(base) || !Predicate.isObject(given)) return given
  if (fields.some((field) => field.isRecord && field.path.join() === path.join())) return given
  const [held, asked] = [new Map(Object.entries(base)), Object.entries(given)]
  if (asked.some(([name, one]) => name === "_tag" && one !== held.get(name))) return given
  return {
    ...base,
    ...Object.fromEntries(asked.map(([name, one]) => [name, over(held.get(name), one, fields, [...path, name])]))
  }
}

const isWithin = (path: Path, outer: Path): boolean =>
  path.length > outer.length && outer.every((name, index) => path[index] === name)

const childOf = (listed: Listed, name: string): Listed =>
  typeof listed === "object" && Object.hasOwn(listed, name) ? listed[name] : undefined

/** Sets a value at a path; if another value is in the way, returns that one's path. */
const set = (input: Input, path: Path, value: unknown): Path | undefined => {
  let at = input
  for (const [index, name] of path.slice(0, -1).entries()) {
    const next = (at[name] ??= {})
    if (!Predicate.isObject(next)) return path.slice(0, index + 1)
    at = next
  }
  const last = path.at(-1) ?? ""
  if (last in at) return Predicate.isObject(at[last]) && Predicate.isObject(value) ? undefined : path
  at[last] = value
  return undefined
}

/** Parses JSON, with every leaf as a string. */
const parse = (json: string): unknown => {
  try {
    const parsed: unknown = JSON.parse(json, (_, one: unknown) =>
      typeof one === "number" || typeof one === "boolean" ? String(one) : one
    )
    return Predicate.isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
