import * as Predicate from "effect/Predicate"
import { first, tagOf, viewOf } from "./platform.ts"

/** One object of a failure: `depth` counts its wrappers, `parent` is the nearest one, `isMember` says whether that is an aggregate. */
export interface Link {
  readonly value: object
  readonly depth: number
  readonly parent: Link | undefined
  readonly isMember: boolean
}

/** A value alone, without what it wraps. */
export const alone = (value: object): Link => ({ value, depth: 0, parent: undefined, isMember: false })

/** Real chains are shorter; a hostile one must not cost more. */
const longest = 32

/** Fields in which wrappers keep the wrapped value, looked at from last to first: errors, Effect's reasons and causes, `RetryExhausted`. */
export const inner = ["suppressed", "failure", "defect", "error", "reason", "cause"]

/** Fields in which aggregates keep their members, likewise. */
export const members = ["reasons", "errors"]

/** A value, the values that it wraps, and the members of aggregates, outermost first; each object once. */
export const chain = (value: unknown): ReadonlyArray<Link> => {
  const seen = new Set<object>()
  const links: Array<Link> = []
  const stack: Array<Omit<Link, "value"> & { readonly value: unknown }> = []
  stack.push({ value, depth: 0, parent: undefined, isMember: false })
  while (links.length < longest) {
    const next = stack.pop()
    if (next === undefined) break
    if (!isLink(next) || seen.has(next.value)) continue
    seen.add(next.value)
    links.push(next)
    const depth = next.depth + 1
    // The stack returns the last pushed value first.
    for (const name of members)
      for (const value of some(next.value, name)) stack.push({ value, depth, parent: next, isMember: true })
    for (const name of inner) {
      const value = property(next.value, name)
      if (Predicate.isObjectKeyword(value)) stack.push({ value, depth, parent: next, isMember: false })
    }
  }
  return links
}

const isLink = (entry: { readonly value: unknown }): entry is Link => Predicate.isObjectKeyword(entry.value)

/** The first members of an aggregate, in reverse order. */
const some = (value: object, name: string): ReadonlyArray<unknown> => membersOf(property(value, name)).toReversed()

/** The first members of a list, of any other collection, or of an object that has them by name, as those who check forms do. */
export const membersOf = (found: unknown): ReadonlyArray<unknown> =>
  attempt(() => {
    if (!Predicate.isObjectKeyword(found)) return typeof found === "string" ? [found] : []
    if (Array.isArray(found)) return found.slice(0, longest)
    const members = collected(found) ?? Object.values(found)
    return members.filter((member) => Predicate.isObjectKeyword(member) || typeof member === "string").slice(0, longest)
  }) ?? []

const collected = (found: object): ReadonlyArray<unknown> | undefined => {
  const view = viewOf(found)
  if (view === undefined || "text" in view) return undefined
  return "values" in view ? first(view.values, longest) : first(view.pairs, longest).map(([, member]) => member)
}

/** Where wrappers keep what they wrap, besides `cause`, if that may be no object. */
const wraps: { readonly [name: string]: ReadonlyArray<string> } = {
  Fail: ["error"],
  Die: ["defect"],
  RetryExhausted: ["failure"],
  SuppressedError: ["error", "suppressed"]
}

/** What an object wraps that is no object, such as a text that was thrown. */
const textsIn = (value: object): ReadonlyArray<string | number | bigint> => {
  const name = read(value, "_tag") ?? read(value, "name") ?? ""
  const fields = ["cause", ...(Object.hasOwn(wraps, name) ? (wraps[name] ?? []) : [])]
  const all = [
    ...fields.map((field) => property(value, field)),
    ...members.flatMap((field) => membersOf(property(value, field)))
  ]
  return all.filter(isSaid)
}

const isSaid = (value: unknown): value is string | number | bigint =>
  (typeof value === "string" && value !== "") || typeof value === "number" || typeof value === "bigint"

/** Returns `undefined` if reading a foreign value throws. */
export const attempt = <A>(run: () => A): A | undefined => {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** A property of a foreign value, whose getters may throw. */
export const property = (value: object, name: PropertyKey): unknown => {
  try {
    return (value as { readonly [name: PropertyKey]: unknown })[name]
  } catch {
    return undefined
  }
}

/** A property of a foreign value, if it is a string. */
export const read = (value: object, name: string): string | undefined => {
  const found = property(value, name)
  return typeof found === "string" ? found : undefined
}

/** Whether a value is an error, of whatever realm: `instanceof` knows those of its own only. */
export const isError = (value: unknown): value is Error =>
  attempt(() => value instanceof Error || Object.prototype.toString.call(value) === "[object Error]") === true

/** Names that a class has without having one of its own. */
const inherited: ReadonlySet<unknown> = new Set(["Error", "Object", "", undefined])

/**
 * An error's name, else its tag, else its class's. A class that extends `Error` has the name `Error` until it is given another, and what
 * is no error may have a name that is a person's.
 */
export const nameOf = (value: object): string => {
  const name = (read(value, "message") ?? read(value, "stack")) === undefined ? undefined : read(value, "name")
  if (!inherited.has(name)) return String(name)
  const type = property(value, "constructor")
  const own = typeof type === "function" ? read(type, "name") : undefined
  return read(value, "_tag") ?? (inherited.has(own) ? (name ?? "Object") : String(own))
}

/** The code that an error gives itself, if it is a text or a number. */
export const codeOf = (value: object): string | undefined => {
  const code = property(value, "code")
  if (typeof code === "string" && code !== "") return code
  // A DOMException has a number from the time before it had a name.
  return typeof code === "number" && tagOf(value) !== "DOMException" ? String(code) : undefined
}

/** One part of a failure: an object, or what was thrown that is none. */
export interface Part {
  readonly value: Link["value"] | string | number | bigint
  readonly depth: number
}

/** The objects of a chain, each followed by what it wraps that is no object. */
export const partsOf = (links: ReadonlyArray<Link>): ReadonlyArray<Part> =>
  links.flatMap((link) => [link, ...textsIn(link.value).map((value) => ({ value, depth: link.depth + 1 }))])

/** A part's name and message, and its code if that is a text, made safe to show. What is no object is named by its type. */
export const describe = (value: Part["value"], safe: (text: string) => string) => {
  if (!Predicate.isObjectKeyword(value)) return { name: typeof value, message: safe(String(value)) }
  return { name: safe(nameOf(value)), message: safe(read(value, "message") ?? "") }
}
