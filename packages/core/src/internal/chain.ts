import * as Predicate from "effect/Predicate"

/** No honest chain is longer; a hostile one must not keep us. */
const longest = 32

/** A value, what it wraps, and the members of aggregates, outermost first; each object once. */
export const chain = (value: unknown): Iterable<object> => {
  const seen = new Set<object>()
  const queue = [value]
  while (queue.length > 0 && seen.size < longest) {
    const link = queue.shift()
    if (!Predicate.isObjectKeyword(link) || seen.has(link)) continue
    seen.add(link)
    queue.push(property(link, "cause"), property(link, "reason"), ...membersOf(link))
  }
  return seen
}

/** The first members of an aggregate. */
const membersOf = (link: object): ReadonlyArray<unknown> => {
  try {
    const errors: unknown = Reflect.get(link, "errors")
    return Array.isArray(errors) ? errors.slice(0, longest) : []
  } catch {
    return []
  }
}

/** A property of a foreign value, whose getters may throw. */
const property = (link: object, name: string): unknown => {
  try {
    return Reflect.get(link, name)
  } catch {
    return undefined
  }
}

/** The same, if it is a text. */
export const read = (link: object, name: string): string | undefined => {
  const value = property(link, name)
  return typeof value === "string" ? value : undefined
}
