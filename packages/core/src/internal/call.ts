import * as Predicate from "effect/Predicate"
import { property, read } from "./chain.ts"
import type { Fields } from "./report.ts"
import { hostOf } from "./url.ts"

/** The property in which a failure keeps the facts of the call that ended with it. */
export const call = "~@redrive/core/Report/call"

/** The facts of a call as a failure keeps them. Nothing about them is certain. */
export type Facts = object

export const factsOf = (failure: unknown): Facts | undefined => {
  const facts = Predicate.isObjectKeyword(failure) ? property(failure, call) : undefined
  return Predicate.isObjectKeyword(facts) ? facts : undefined
}

/** What the engine itself made of the call, if the failure is its own. */
export const engineOf = (facts: Facts): "refused" | "timed out" | undefined => {
  const engine = property(facts, "engine")
  return engine === "refused" || engine === "timed out" ? engine : undefined
}

/** A failure without the wrappers of the calls that gave up, and the facts of these calls, outermost first. */
export interface Unwrapped {
  readonly failure: unknown
  readonly calls: ReadonlyArray<Facts>
}

/** Calls are not nested deeper; a hostile value may contain itself. */
const deepest = 32

export const unwrap = (failure: unknown): Unwrapped => {
  const calls: Array<Facts> = []
  let inner = failure
  for (let depth = 0; depth < deepest && isGivenUp(inner); depth++) {
    const facts = factsOf(inner)
    if (facts !== undefined) calls.push(facts)
    inner = inner.failure
  }
  return { failure: inner, calls }
}

const isGivenUp = (u: unknown): u is { readonly failure: unknown } =>
  Predicate.isTagged(u, "RetryExhausted") && Predicate.hasProperty(u, "failure")

/** Whether facts are of the same call, as far as their names and keys tell. */
export const isSame = (one: Facts, other: Facts): boolean =>
  read(one, "name") === read(other, "name") && (read(one, "key") ?? "") === (read(other, "key") ?? "")

/** More fields, none of which takes the place of one that is there already: one of the same name gets a `_`. */
export const joined = (own: Fields, more: Fields): Fields => {
  const all = { ...own }
  for (const [name, value] of Object.entries(more)) {
    if (all[name] === undefined) all[name] = value
    else if (all[name] !== value) all[`${name}_`] = value
  }
  return all
}

/** A host name or an address, with or without a port. */
const host = /^(?:(?:[a-z\d_-]+\.)+[a-z][a-z\d-]*|localhost|\d+(?:\.\d+){3}|\[[\da-f:.]+\])(?::\d+)?$/i

/** The host that a key names, as a URL, an origin or the host itself. */
export const hostOfKey = (key: string): string | undefined =>
  key.length < 300 && host.test(key) ? key.toLowerCase() : (key.includes("://") && hostOf(key)) || undefined
