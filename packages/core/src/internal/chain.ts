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
    for (const value of membersIn(next.value).toReversed()) stack.push({ value, depth, parent: next, isMember: true })
    for (const name of inner) {
      const value = property(next.value, name)
      if (Predicate.isObjectKeyword(value)) stack.push({ value, depth, parent: next, isMember: false })
    }
  }
  return links
}

const isLink = (entry: { readonly value: unknown }): entry is Link => Predicate.isObjectKeyword(entry.value)

/** Whether a foreign value, which may be a Proxy that was revoked, is a list. */
export const isArray = (value: unknown): value is ReadonlyArray<unknown> => attempt(() => Array.isArray(value)) === true

/** The first members of an aggregate, which may be a list itself. */
const membersIn = (value: object): ReadonlyArray<unknown> =>
  isArray(value) ? membersOf(value) : members.flatMap((name) => membersOf(property(value, name)))

/** The first members of a list, of any other collection, or of an object that has them by name, as those who check forms do. */
const membersOf = (found: unknown): ReadonlyArray<unknown> =>
  attempt(() => {
    if (!Predicate.isObjectKeyword(found)) return typeof found === "string" ? [found] : []
    if (Array.isArray(found)) return found.slice(0, longest)
    return (collected(found) ?? named(found)).slice(0, longest)
  }) ?? []

const collected = (found: object): ReadonlyArray<unknown> | undefined => {
  const view = viewOf(found)
  if (view === undefined || "text" in view) return undefined
  if ("values" in view) return first(view.values, longest)
  return first(view.pairs, longest).flatMap(([name, member]) => memberOf(name, member))
}

const named = (found: object): ReadonlyArray<unknown> =>
  Object.keys(found)
    .slice(0, longest)
    .flatMap((name) => memberOf(name, property(found, name)))

/** A member that an aggregate has by name: of a text nobody would know otherwise what it is about. */
const memberOf = (name: unknown, member: unknown): ReadonlyArray<unknown> => {
  const members: ReadonlyArray<unknown> = Array.isArray(member) ? member.slice(0, longest) : [member]
  return members
    .filter((one) => typeof one === "string" || Predicate.isObjectKeyword(one))
    .map((one) => (typeof one === "string" && typeof name === "string" ? `${name}: ${one}` : one))
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
  return [...fields.map((field) => property(value, field)), ...membersIn(value)].filter(isSaid)
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
  readonly parent: Link | undefined
}

/** The objects of a chain, each followed by what it wraps that is no object. */
export function* partsOf(links: ReadonlyArray<Link>): Generator<Part> {
  for (const link of links) {
    yield link
    for (const value of textsIn(link.value)) yield { value, depth: link.depth + 1, parent: link }
  }
}

/** A part's name and message, and its code if that is a text, made safe to show. What is no object is named by its type. */
export const describe = (value: Part["value"], safe: (text: string) => string) => {
  if (!Predicate.isObjectKeyword(value)) return { name: typeof value, message: safe(String(value)) }
  return { name: safe(nameOf(value)), message: safe(read(value, "message") ?? "") }
}
