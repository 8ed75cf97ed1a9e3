import * as Predicate from "effect/Predicate"
import { type Link, property, safely, stringAt } from "./chain.ts"
import { hostOf } from "./secrets/url.ts"

/** The host that was asked, as clients keep it with their errors, which their messages alone do not tell from others. */
export const hostAsked = (links: ReadonlyArray<Link>): string | undefined => {
  for (const { isMember, value } of links) {
    // The members of an aggregate may have asked several.
    if (isMember) break
    for (const name of holders) {
      const host = hostAt(property(value, name))
      if (host) return host
    }
    // An answer has its URL itself; of a name that does not resolve there is nothing else.
    const host = hostAt(value) ?? stringAt(value, "hostname")
    if (host) return host
  }
  return undefined
}

/** Where clients keep what they asked for: Effect and ky in `request`, got in `options`, axios in `config`. */
const holders = ["request", "options", "config", "response"]

const hostAt = (held: unknown): string | undefined => {
  if (!Predicate.isObjectKeyword(held)) return undefined
  const url = property(held, "url")
  // One of got is an object, one of axios may be relative.
  return safely(() => hostOf(String(url)) ?? hostOf(String(property(held, "baseURL"))))
}
