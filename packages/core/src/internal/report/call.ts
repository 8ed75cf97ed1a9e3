import * as Predicate from "effect/Predicate"
import type * as Report from "../../Report.ts"
import { chain, isArray, property, stringAt as read } from "../chain.ts"
import type { Fields } from "./report.ts"
import { hostOf } from "../secrets/url.ts"

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

/** The attempts that facts tell of; what is not as the engine writes it is left out. */
export const historyOf = (facts: Facts, safe: (text: string) => string): ReadonlyArray<Report.Attempt> => {
  const history = property(facts, "history")
  if (!isArray(history)) return []
  const call = safe(read(facts, "name") ?? "")
  return history.flatMap((one: unknown, index) => {
    if (!Predicate.isObject(one)) return []
    const [startedAt, message, verdict] = [read(one, "startedAt"), read(one, "message"), read(one, "verdict")]
    const [durationMs, delayMs] = [property(one, "durationMs"), property(one, "delayMs")]
    if (startedAt === undefined || message === undefined || verdict === undefined || !Predicate.isNumber(durationMs))
      return []
    const told = { call, attempt: index + 1, startedAt, durationMs, message: safe(message), verdict: safe(verdict) }
    return [Predicate.isNumber(delayMs) ? { ...told, delayMs } : told]
  })
}

/** What the engine last told of a call that ended with a failure, by the failure, and when, in nanoseconds since the epoch. */
const ends = new WeakMap<object, { readonly facts: Report.Call; readonly at: bigint }>()

/** Notes that a call ended with a failure: a program may take that out of its wrapper, which knows the call. */
export const note = (failure: unknown, facts: Report.Call, at: bigint): void => {
  if (Predicate.isObjectKeyword(failure)) ends.set(failure, { facts, at })
}

/** The failure was handled: what is raised later is another one of the same object. */
export const forget = (failure: unknown): void => {
  if (Predicate.isObjectKeyword(failure)) ends.delete(failure)
}

/** What is raised so long after its call has ended is another failure of the same object. */
const recent = 1_000_000_000n

/** The call that ended with a failure, or with what that wraps, if that is one call of late. Each is told of once. */
export const noted = (failure: unknown, at: bigint): Report.Call | undefined => {
  const found = chain(failure).flatMap(({ value }) => {
    const end = ends.get(value)
    ends.delete(value)
    return end !== undefined && at - end.at < recent ? [end.facts] : []
  })
  return found.length === 1 ? found[0] : undefined
}

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
