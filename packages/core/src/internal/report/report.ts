import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Cause, Draft, Field, Fields } from "./model.ts"
import * as Call from "./call.ts"
import {
  safely,
  codeOf,
  describe,
  inner,
  isArray,
  type Link,
  members,
  nameOf,
  type Part,
  partsOf,
  property,
  stringAt
} from "../chain.ts"
import { tagOf, textOf, viewOf } from "../platform.ts"
import { isCountName, isSecretName } from "../secrets/names.ts"
import { cut, type Scrub, scrub, scrubKnowing, valuesOf } from "../secrets/scrub.ts"

/** The most causes of a report, fields of a cause and frames of a stack, and the longest message made from fields. */
const most = { causes: 8, fields: 24, frames: 20, message: 500 }

/** A scrub that knows the secrets given, and those that the failure's own fields hold. */
export const scrubOf = (links: ReadonlyArray<Link>, given: ReadonlyArray<Redacted.Redacted>): Scrub => {
  const own: Array<Redacted.Redacted<unknown>> = []
  for (const { value } of links) collectRedacted(value, 0, own)
  return own.length === 0 ? scrubKnowing(given) : scrub(valuesOf([...given, ...own]))
}

/** Fields whose values are links of the chain themselves. */
const linked: ReadonlySet<string> = new Set([...inner, ...members])

/** Finds the secrets in the fields of a value, also in options, lists and objects there. */
const collectRedacted = (value: object, depth: number, found: Array<Redacted.Redacted<unknown>>): void => {
  if (depth > 2 || ArrayBuffer.isView(value)) return
  const names = isArray(value) ? Object.keys(value.slice(0, most.fields)) : ownOf(value)
  for (const [index, name] of names.entries()) {
    if (index >= most.fields) break
    const held = linked.has(name) ? undefined : property(value, name)
    if (typeof held !== "object" || held === null) continue
    if (Redacted.isRedacted(held)) found.push(held)
    else collectRedacted(held, depth + 1, found)
  }
}

const ownOf = (value: object): ReadonlyArray<string> => safely(() => Object.keys(value)) ?? []

/** The names of a value's own fields, and of those that its schema declares. */
const keysOf = (value: object): ReadonlyArray<string> => {
  return [...new Set([...ownOf(value).slice(0, most.fields), ...(declaredOf(value) ?? [])])]
}

/** Fields of system errors that help and contain no secrets. */
const systemFields = ["syscall", "hostname", "address", "port"]

/** Fields that a report has elsewhere. */
const elsewhere: ReadonlySet<string> = new Set(["_tag", "message", "cause", "code"])

/** The same for a job's or an item's failure, and its reason. */
const elsewhereOfOurs: ReadonlySet<string> = new Set([...elsewhere, "reason", "detail", "jobId", "itemId", "url"])

/** The fields that an error's schema declares. */
const declaredOf = (value: object): ReadonlyArray<string> | undefined => {
  const type = property(value, "constructor")
  const declared = typeof type === "function" ? property(type, "fields") : undefined
  return Predicate.isObjectKeyword(declared) ? Object.keys(declared).slice(0, most.fields) : undefined
}

/** The fields of a failure that may be shown: declared ones, or, for other errors, those that Node.js documents. */
export const fieldsOf = (value: object, safe: Scrub): Fields =>
  shown(value, declaredOf(value) ?? systemFields, elsewhere, safe)

/** The same of a job's or an item's failure, or its reason. */
export const factsOfOurs = (value: object, safe: Scrub): Fields =>
  shown(value, declaredOf(value) ?? [], elsewhereOfOurs, safe)

/** The fields of an error's `ErrorReporter.attributes`, if it has these. */
export const attributesOf = (value: object, safe: Scrub): Fields | undefined => {
  const attributes = property(value, ErrorReporter.attributes)
  if (!Predicate.isObject(attributes)) return undefined
  return shown(attributes, Object.keys(attributes).slice(0, most.fields), elsewhere, safe)
}

/** The facts of a call, under the names that event lines use. An empty key, which means that the call has none, is left out. */
export const callFields = (facts: Call.Facts | undefined, safe: Scrub): Fields => {
  if (facts === undefined) return {}
  const { key = "", name = "", ...others } = shown(facts, callFacts, nowhere, safe)
  const duration = property(facts, "duration")
  const millis = Duration.isDuration(duration) ? Math.round(Duration.toMillis(duration)) : Infinity
  return {
    ...(name !== "" && { call: name }),
    ...(key !== "" && { key }),
    ...others,
    ...(Number.isFinite(millis) && { duration_ms: millis })
  }
}

/** A report has none of a call's facts elsewhere. */
const nowhere: ReadonlySet<string> = new Set()

const callFacts = ["name", "key", "because", "attempts", "retryAt", "retryAfter", "until"]

const shown = (value: object, names: ReadonlyArray<string>, known: ReadonlySet<string>, safe: Scrub): Fields => {
  const fields: { [name: string]: Field } = {}
  for (const name of names) {
    const held = property(value, name)
    if (
      held === undefined ||
      known.has(name) ||
      (isSecretName(name) && !(isCountName(name) && Predicate.isNumber(held)))
    )
      continue
    const field = fieldOf(held, safe)
    if (field !== undefined) fields[safe(name)] = field
  }
  return fields
}

const fieldOf = (value: unknown, safe: Scrub): Field | undefined => {
  if (typeof value === "string") return safe(value)
  if (typeof value === "boolean" || Number.isFinite(value)) return value as Field
  if (typeof value === "bigint" || typeof value === "number") return safe(String(value))
  if (Duration.isDuration(value)) return Duration.format(value)
  if (DateTime.isDateTime(value)) return DateTime.formatIso(value)
  if (!Predicate.isObjectKeyword(value) || Redacted.isRedacted(value)) return undefined
  return ["Date", "RegExp", "URL"].includes(tagOf(value)) ? safe(textOf(value)) : undefined
}

/**
 * What a failure says. Without a message of its own its name says it, its code, and its fields: those of a tagged error are its message,
 * as Effect means it, and what is no error has nothing else.
 */
export const messageOf = (value: object, safe: Scrub): string => {
  const message = property(value, "message")
  if (typeof message === "string" && message !== "") return safe(message)
  const code = codeOf(value)
  const [name, coded] = [safe(nameOf(value)), code === undefined ? "" : ` ${safe(code)}`]
  return cut(`${name}${coded}${saidWithout(value, message, safe)}`, most.message)
}

/** Describes a value without a message, besides its name and code: as a list, as a value of the platform, or by its fields. */
const saidWithout = (value: object, message: unknown, safe: Scrub): string => {
  if (isArray(message)) return `: ${entriesOf(message, safe).join("; ")}`
  if (isArray(value)) return ` ${JSON.stringify(entriesOf(value, safe))}`
  const view = viewOf(value)
  if (view !== undefined && "text" in view) return ` ${safe(view.text)}`
  return saidByFields(value, safe)
}

const saidByFields = (value: object, safe: Scrub): string => {
  const isOpen = stringAt(value, "_tag") !== undefined || stringAt(value, "stack") === undefined
  const names = declaredOf(value) ?? (isOpen ? keysOf(value).filter((name) => !name.startsWith("~")) : systemFields)
  const fields = Object.entries(shown(value, names, unsaid, safe))
  return fields.length === 0
    ? ""
    : ` { ${fields.map(([name, field]) => `${name}: ${JSON.stringify(field)}`).join(", ")} }`
}

const entriesOf = (values: ReadonlyArray<unknown>, safe: Scrub): ReadonlyArray<Field> =>
  values.slice(0, most.fields).flatMap((entry) => fieldOf(entry, safe) ?? [])

/** Fields that do not belong to an error's description of itself. */
const unsaid: ReadonlySet<string> = new Set([...elsewhere, "name", "stack"])

/** What a failure wraps, outermost first, without wrappers that only repeat a message. The first link is the failure itself. */
export const causesOf = (links: ReadonlyArray<Link>, safe: Scrub): ReadonlyArray<Cause> => {
  const causes: Array<Cause> = []
  for (const part of partsOf(links)) {
    if (part.depth === 0) continue
    const cause = causeOf(part, safe)
    // A wrapper often repeats the message of the wrapped error. Members are listed unless they are listed already.
    const isTold = ({ message, name }: Cause) => message === cause.message && (!part.isMember || name === cause.name)
    if (cause.code === undefined && causes.some(isTold)) continue
    if (causes.push(cause) === most.causes) break
  }
  return causes
}

const causeOf = ({ depth, value }: Part, safe: Scrub): Cause => {
  if (!Predicate.isObjectKeyword(value)) return { ...describe(value, safe), depth: depth - 1 }
  const cause: Draft<Cause> = { name: safe(nameOf(value)), message: messageOf(value, safe), depth: depth - 1 }
  const [code, facts] = [codeOf(value), Call.factsOf(value)]
  if (code !== undefined) cause.code = safe(code)
  const own = fieldsOf(value, safe)
  const fields = facts === undefined ? own : Call.joined(own, callFields(facts, safe))
  if (isSome(fields)) cause.fields = fields
  return cause
}

const isSome = (fields: Fields): boolean => {
  for (const _ in fields) return true
  return false
}

/** The stack of the error that was thrown first: the innermost one with frames. Its message is cut before its frames. */
export const stackOf = (links: ReadonlyArray<Link>, safe: Scrub): string | undefined => {
  for (const { value } of inwards(links)) {
    const frames = framesOf(stringAt(value, "stack") ?? "")
    if (frames === "") continue
    // A text is cut only after its secrets are hidden, since half a secret is a secret too.
    const header = `${safe(nameOf(value))}: ${cut(safe(stringAt(value, "message") ?? ""), 200)}`
    return `${header}\n${safe(frames, true)}`
  }
  return undefined
}

/** The innermost first. Most failures wrap each other in a row. */
const inwards = (links: ReadonlyArray<Link>): ReadonlyArray<Link> =>
  links.every(({ depth }, index) => depth === index)
    ? links.toReversed()
    : links.toSorted((one, other) => other.depth - one.depth)

const frame = "    at "

/** The frames of the last part of a stack, since they come after a message of any length. Mostly they are one part of it, taken as it is. */
const framesOf = (whole: string): string => {
  const stack = whole.slice(-10_000)
  const from = stack.startsWith(frame) ? 0 : stack.indexOf(`\n${frame}`) + 1
  let [end, count] = [from - 1, 0]
  while (count < most.frames && stack.startsWith(frame, end + 1)) {
    const next = stack.indexOf("\n", end + 1)
    end = next < 0 ? stack.length : next
    count++
  }
  if (count === 0) return ""
  if (count === most.frames || !stack.includes(`\n${frame}`, end)) return stack.slice(from, end)
  const frames = stack.split("\n").filter((line) => line.startsWith(frame))
  return frames.slice(0, most.frames).join("\n")
}

/** Parts that differ between two failures of the same class: numbers, identifiers, addresses and quoted values. */
const particulars =
  /\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>]+|\b[\da-f]{8}-[\da-f-]{27}\b|\b(?=[\da-f]*\d)[\da-f]{6,}\b|"[^"]*\s[^"]*"|'[^']*\s[^']*'|\d+/gi

/** A cheap first check: every message with such a part matches it. */
const varied = /[\d"':-]/

/** A message without the parts that differ each time. */
export const classOf = (message: string): string => {
  const taken = message.slice(0, 500)
  return (varied.test(taken) ? taken.replace(particulars, "#") : taken).slice(0, 200)
}

/** FNV-1a over 32 bits twice, from two bases: equal on every machine, and nothing depends on its strength. */
export const fingerprint = (parts: ReadonlyArray<string>): string => {
  const text = parts.join("\n")
  let [one, other] = [0x811c9dc5, 0x050c5d1f]
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    one = Math.imul(one ^ unit, 0x01000193)
    other = Math.imul(other ^ unit, 0x01000193)
  }
  return hexOf(one) + hexOf(other)
}

/** The two hexadecimal digits of each byte. */
const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

const hexOf = (hash: number): string =>
  `${bytes[hash >>> 24]}${bytes[(hash >>> 16) & 255]}${bytes[(hash >>> 8) & 255]}${bytes[hash & 255]}`
