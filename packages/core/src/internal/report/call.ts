import * as Predicate from "effect/Predicate"
import { chain, isArray, property, stringAt } from "../chain.ts"
import type { Attempt, Call, Fields } from "./model.ts"
import { hostOf } from "../secrets/url.ts"

/** The property in which a failure keeps the facts of the call that ended with it. */
export const call = "~@redrive/core/Report/call"

/** The facts of a call as a failure keeps them. Nothing about them is certain. */
export type Facts = object

export const factsOf = (failure: unknown): Facts | undefined => {
  const facts = Predicate.isObjectKeyword(failure) ? property(failure, call) : undefined
  return Predicate.isObjectKeyword(facts) ? facts : undefined
}

/** What the engine did to the call, if the failure is the engine's own. */
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

/** The attempts in the facts. Attempts that do not have the engine's format are left out. */
export const historyOf = (facts: Facts, safe: (text: string) => string): ReadonlyArray<Attempt> => {
  const history = property(facts, "history")
  if (!isArray(history)) return []
  const call = safe(stringAt(facts, "name") ?? "")
  return history.flatMap((one: unknown, index) => {
    if (!Predicate.isObject(one)) return []
    const [startedAt, message, verdict] = [
      stringAt(one, "startedAt"),
      stringAt(one, "message"),
      stringAt(one, "verdict")
    ]
    const [durationMs, delayMs] = [property(one, "durationMs"), property(one, "delayMs")]
    if (startedAt === undefined || message === undefined || verdict === undefined || !Predicate.isNumber(durationMs))
      return []
    const told = { call, attempt: index + 1, startedAt, durationMs, message: safe(message), verdict: safe(verdict) }
    return [Predicate.isNumber(delayMs) ? { ...told, delayMs } : told]
  })
}

/** What was last told of a call that ended with a failure: when, in nanoseconds since the epoch, and whether a report has it. */
interface End {
  readonly facts: Call
  readonly at: bigint
  isReported: boolean
}

/** The ends of calls, by their failures. */
const ends = new WeakMap<object, End>()

/** Notes that a call ended with a failure, since a program may unwrap the failure and lose the wrapper that names the call. */
export const note = (failure: unknown, facts: Call, at: bigint): void => {
  if (Predicate.isObjectKeyword(failure)) ends.set(failure, { facts, at, isReported: false })
}

/** Forgets a failure that was handled: if the same object is raised later, it is a new failure. */
export const forget = (failure: unknown): void => {
  if (Predicate.isObjectKeyword(failure)) ends.delete(failure)
}

/** An object that is raised so long after its call ended is a new failure. */
const recent = 1_000_000_000n

const endOf = (value: object, at: bigint): End | undefined => {
  const end = ends.get(value)
  return end !== undefined && at - end.at < recent ? end : undefined
}

/** The call that recently ended with this very value, the first time that it is asked for. */
export const notedOf = (value: object, at: bigint): Call | undefined => {
  const end = endOf(value, at)
  if (end === undefined || end.isReported) return undefined
  end.isReported = true
  return end.facts
}

/** The call that recently ended with a failure or with a value that it wraps, if there is only one such call. Each call is returned once. */
export const noted = (failure: unknown, at: bigint): Call | undefined => {
  const found = chain(failure).flatMap(({ value }) => notedOf(value, at) ?? [])
  return found.length === 1 ? found[0] : undefined
}

/** Whether a report of a failure has the facts of a call, or had them recently. */
export const isNoted = (failure: unknown, at: bigint): boolean => {
  const own = unwrap(failure).failure
  return chain(failure).some(({ value }) => {
    const end = endOf(value, at)
    return end !== undefined && (!end.isReported || value === failure || value === own)
  })
}

/** Whether facts are of the same call, as far as their names and keys tell. */
export const isSame = (one: Facts, other: Facts): boolean =>
  stringAt(one, "name") === stringAt(other, "name") && (stringAt(one, "key") ?? "") === (stringAt(other, "key") ?? "")

/** Adds fields without replacing any: a field whose name is taken gets a `_`. */
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
