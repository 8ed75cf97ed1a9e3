import * as Predicate from "effect/Predicate"
import { type Link, property, safely, stringAt } from "./chain.ts"
import { hostOf } from "./secrets/url.ts"

/** The host that was asked, as clients keep it with their errors, which their messages alone do not tell from others. */
export const hostAsked = (links: ReadonlyArray<Link>): string | undefined => {
  // The members of an aggregate may have asked several.
  for (let at = 0; at < links.length && links[at]?.isMember === false; at++) {
    const host = hostIn(links[at]?.value)
    if (host) return host
  }
  return undefined
}

/**
 * Effect and ky keep what they asked for in `request`, got in `options`, axios in `config`, and an answer its URL itself. Of a name that does not
 * resolve there is nothing else.
 */
const hostIn = (value: object | undefined): string | undefined =>
  value &&
  (hostAt(property(value, "request")) ??
    hostAt(property(value, "options")) ??
    hostAt(property(value, "config")) ??
    hostAt(property(value, "response")) ??
    hostAt(value) ??
    stringAt(value, "hostname"))

const hostAt = (held: unknown): string | undefined => {
  if (!Predicate.isObjectKeyword(held)) return undefined
  const url = property(held, "url")
  if (url === undefined) return undefined
  // One of got is an object, one of axios may be relative.
  return safely(() => hostOf(String(url)) ?? hostOf(String(property(held, "baseURL"))))
}
