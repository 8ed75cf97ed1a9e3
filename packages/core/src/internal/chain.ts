import * as Predicate from "effect/Predicate"

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
export const inner = ["failure", "defect", "error", "reason", "cause"]

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
const some = (value: object, name: string): ReadonlyArray<unknown> => {
  const found = property(value, name)
  return attempt(() => (Array.isArray(found) ? found.slice(0, longest).toReversed() : undefined)) ?? []
}

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

/** An error's name, else its tag. */
export const nameOf = (value: object): string => read(value, "name") ?? read(value, "_tag") ?? "Object"

/** An error's own fields as text, made safe to show. */
export const describe = (value: object, safe: (text: string) => string) => {
  const [code, syscall] = [read(value, "code"), read(value, "syscall")]
  return {
    name: safe(nameOf(value)),
    message: safe(read(value, "message") ?? ""),
    ...(code === undefined ? {} : { code: safe(code) }),
    ...(syscall === undefined ? {} : { syscall: safe(syscall) })
  }
}
