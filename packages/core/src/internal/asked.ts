import * as Predicate from "effect/Predicate"
import { type Link, property, stringAt } from "./chain.ts"
import { hostOf } from "./secrets/url.ts"

/** The host that was asked, as clients keep it with their errors, which their messages alone do not tell from others. */
export const hostAsked = (links: ReadonlyArray<Link>): string | undefined => {
  for (const { isMember, value } of links) {
    // The members of an aggregate may have asked several.
    const host = isMember ? "" : hostIn(value)
    if (host !== undefined) return host || undefined
  }
  return undefined
}

/**
 * Effect and ky keep what they asked for in `request`, got in `options`, axios in `config`, and an answer its URL itself. Of a name that does not
 * resolve there is nothing else.
 */
const hostIn = (value: object): string | undefined =>
  hostAt(property(value, "request")) ??
  hostAt(property(value, "options")) ??
  hostAt(property(value, "config")) ??
  hostAt(property(value, "response")) ??
  hostAt(value) ??
  stringAt(value, "hostname")

const hostAt = (held: unknown): string | undefined => {
  if (!Predicate.isObjectKeyword(held)) return undefined
  const url = property(held, "url")
  // One of got is an object, one of axios may be relative.
  const text = Predicate.isObject(url) ? property(url, "href") : url
  return typeof text === "string" ? (hostOf(text) ?? hostOf(stringAt(held, "baseURL") ?? "")) : undefined
}
