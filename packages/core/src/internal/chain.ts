import * as Predicate from "effect/Predicate"
import { first, tagOf, viewOf } from "./platform.ts"

/** A thrown value that is not an object. */
type Said = string | number | bigint

/**
 * One object of a failure: `depth` counts its wrappers, `parent` is the nearest one, `isMember` says whether that is an aggregate. `texts` is
 * the wrapped values that are not objects.
 */
export interface Link {
  readonly value: object
  readonly depth: number
  readonly parent: Link | undefined
  readonly isMember: boolean
  readonly texts: ReadonlyArray<Said>
}

const none: ReadonlyArray<never> = []

/** A value alone, without what it wraps. */
export const alone = (value: object): Link => ({ value, depth: 0, parent: undefined, isMember: false, texts: none })

/** Real chains are shorter; a hostile one must not cost more. */
const longest = 32

/** Fields in which wrappers keep the wrapped value, looked at from last to first: errors, Effect's reasons and causes, `RetryExhausted`. */
export const inner = ["suppressed", "failure", "defect", "error", "reason", "cause"]

/** Fields in which aggregates keep their members, likewise. */
export const members = ["reasons", "errors"]

/** A value, the values that it wraps, and the members of aggregates, outermost first; each object once. */
export const chain = (value: unknown): ReadonlyArray<Link> => {
  const links: Array<Link> = []
  const stack: Array<Found> = Predicate.isObjectKeyword(value) ? [{ ...alone(value) }] : []
  while (links.length < longest) {
    const next = stack.pop()
    if (next === undefined) break
    // So few links are compared faster than a set of them is made.
    if (links.some((link) => link.value === next.value)) continue
    links.push(next)
    follow(next, stack)
  }
  return links
}

/** A link whose texts are not known yet. */
type Found = Omit<Link, "texts"> & { texts: Link["texts"] }

/** Finds a link's texts, and puts what it wraps on the stack, which returns the last pushed value first. */
const follow = (link: Found, stack: Array<Found>): void => {
  const { value } = link
  const depth = link.depth + 1
  const found = membersIn(value)
  for (let at = found.length - 1; at >= 0; at--) {
    const member = found[at]
    if (Predicate.isObjectKeyword(member))
      stack.push({ value: member, depth, parent: link, isMember: true, texts: none })
  }
  let texts: Array<Said> | undefined
  for (const name of inner) {
    const held = property(value, name)
    if (Predicate.isObjectKeyword(held)) stack.push({ value: held, depth, parent: link, isMember: false, texts: none })
    else if (isSaid(held) && (name === "cause" || wraps(value, name))) (texts ??= []).unshift(held)
  }
  for (const member of found) if (isSaid(member)) (texts ??= []).push(member)
  if (texts !== undefined) link.texts = texts
}

/** Whether a foreign value is a list. It may be a revoked Proxy. */
export const isArray = (value: unknown): value is ReadonlyArray<unknown> => {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** The first members of an aggregate, which may be a list itself. Most values are not aggregates. */
const membersIn = (value: object): ReadonlyArray<unknown> => {
  if (isArray(value)) return membersOf(value)
  let found: ReadonlyArray<unknown> = none
  for (const name of members) {
    const held = property(value, name)
    if (held !== undefined) found = found === none ? membersOf(held) : [...found, ...membersOf(held)]
  }
  return found
}

/** The first members of a list, of any other collection, or of an object that has them by name, as those who check forms do. */
const membersOf = (found: unknown): ReadonlyArray<unknown> =>
  safely(() => {
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

/** A named member of an aggregate. Without its name, a text would not say what it is about. */
const memberOf = (name: unknown, member: unknown): ReadonlyArray<unknown> => {
  const members: ReadonlyArray<unknown> = Array.isArray(member) ? member.slice(0, longest) : [member]
  return members
    .filter((one) => typeof one === "string" || Predicate.isObjectKeyword(one))
    .map((one) => (typeof one === "string" && typeof name === "string" ? `${name}: ${one}` : one))
}

/** The fields besides `cause` in which wrappers keep a value that may not be an object. */
const wrappers: ReadonlyMap<string | undefined, ReadonlyArray<string>> = new Map([
  ["Fail", ["error"]],
  ["Die", ["defect"]],
  ["RetryExhausted", ["failure"]],
  ["SuppressedError", ["error", "suppressed"]]
])

const wraps = (value: object, field: string): boolean =>
  wrappers.get(stringAt(value, "_tag") ?? stringAt(value, "name"))?.includes(field) === true

const isSaid = (value: unknown): value is Said =>
  (typeof value === "string" && value !== "") || typeof value === "number" || typeof value === "bigint"

/** Returns `undefined` if reading a foreign value throws. */
export const safely = <A>(run: () => A): A | undefined => {
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
export const stringAt = (value: object, name: string): string | undefined => {
  const found = property(value, name)
  return typeof found === "string" ? found : undefined
}

/** Whether a value is an error of any realm. `instanceof` knows only those of its own. */
export const isError = (value: unknown): value is Error =>
  safely(() => value instanceof Error || Object.prototype.toString.call(value) === "[object Error]") === true

/** Names that a class has without having one of its own. */
const inherited: ReadonlySet<string> = new Set(["Error", "Object", ""])

/**
 * An error's name, else its tag, else its class's. A class that extends `Error` has the name `Error` until it is given another, and what
 * is no error may have a name that is a person's.
 */
export const nameOf = (value: object): string => {
  const name =
    (stringAt(value, "message") ?? stringAt(value, "stack")) === undefined ? undefined : stringAt(value, "name")
  if (name !== undefined && !inherited.has(name)) return name
  const tag = stringAt(value, "_tag")
  if (tag !== undefined) return tag
  // Most errors have no class of their own.
  if (name === "Error" && safely(() => Object.getPrototypeOf(value)) === Error.prototype) return name
  const type = property(value, "constructor")
  const own = typeof type === "function" ? stringAt(type, "name") : undefined
  return own === undefined || inherited.has(own) ? (name ?? "Object") : own
}

/** The code that an error gives itself, if it is a text or a number. */
export const codeOf = (value: object): string | undefined => {
  const code = property(value, "code")
  if (typeof code === "string" && code !== "") return code
  // A DOMException has a number from the time before it had a name.
  return typeof code === "number" && tagOf(value) !== "DOMException" ? String(code) : undefined
}

/** One part of a failure: an object, or a thrown value that is not one. */
export interface Part {
  readonly value: object | Said
  readonly depth: number
  readonly parent: Link | undefined
  readonly isMember: boolean
}

/** The objects of a chain, each followed by the wrapped values that are not objects. */
export const partsOf = (links: ReadonlyArray<Link>): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  for (const link of links) {
    parts.push(link)
    for (const value of link.texts) parts.push({ value, depth: link.depth + 1, parent: link, isMember: false })
  }
  return parts
}

/** A part's name and message, and its code if that is a text, made safe to show. What is no object is named by its type. */
export const describe = (value: Part["value"], safe: (text: string) => string) => {
  if (!Predicate.isObjectKeyword(value)) return { name: typeof value, message: safe(String(value)) }
  return { name: safe(nameOf(value)), message: safe(stringAt(value, "message") ?? "") }
}
