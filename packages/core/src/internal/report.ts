import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { describe, type Link, nameOf, property, read } from "./chain.ts"
import { isSecretName, type Scrub, scrub, scrubKnowing, valuesOf } from "./text.ts"

/** No report lists more causes, fields of one of them, or frames of a stack. */
const most = { causes: 8, fields: 24, frames: 20 }

/** What a field of a report holds. */
export type Field = string | number | boolean

export type Fields = { readonly [name: string]: Field }

/** A scrub that knows the secrets given, and those that the failure's own fields hold. */
export const scrubOf = (links: ReadonlyArray<Link>, given: ReadonlyArray<Redacted.Redacted>): Scrub => {
  const held = links.flatMap(({ value }) => declaredOf(value)?.map((name) => property(value, name)) ?? [])
  const own = held.filter(Redacted.isRedacted)
  return own.length === 0 ? scrubKnowing(given) : scrub(valuesOf([...given, ...own]))
}

/** Fields of system errors that help and tell no secret. */
const systemFields = ["syscall", "hostname", "address", "port"]

/** Fields that a report has elsewhere. */
const elsewhere: ReadonlySet<string> = new Set([
  "_tag",
  "message",
  "cause",
  "reason",
  "code",
  "detail",
  "jobId",
  "itemId",
  "url"
])

/** The fields that an error's schema declares. */
const declaredOf = (value: object): ReadonlyArray<string> | undefined => {
  const type = property(value, "constructor")
  const declared = typeof type === "function" ? property(type, "fields") : undefined
  return Predicate.isObjectKeyword(declared) ? Object.keys(declared).slice(0, most.fields) : undefined
}

/** The fields of a failure that may be shown: declared ones, or, for other errors, those that Node.js documents. */
export const fieldsOf = (value: object, safe: Scrub): Fields => shown(value, declaredOf(value) ?? systemFields, safe)

/** The fields of an error's `ErrorReporter.attributes`. */
export const attributesOf = (value: object, safe: Scrub): Fields => {
  const attributes = property(value, ErrorReporter.attributes)
  return Predicate.isObject(attributes) ? shown(attributes, Object.keys(attributes).slice(0, most.fields), safe) : {}
}

const shown = (value: object, names: ReadonlyArray<string>, safe: Scrub): Fields => {
  const fields: { [name: string]: Field } = {}
  for (const name of names) {
    const held = property(value, name)
    if (held === undefined || elsewhere.has(name) || isSecretName(name)) continue
    const field = fieldOf(held, safe)
    if (field !== undefined) fields[name] = field
  }
  return fields
}

const fieldOf = (value: unknown, safe: Scrub): Field | undefined => {
  if (typeof value === "string") return safe(value)
  if (typeof value === "boolean" || Number.isFinite(value)) return value as Field
  if (typeof value === "bigint") return safe(String(value))
  if (Duration.isDuration(value)) return Duration.format(value)
  return DateTime.isDateTime(value) ? DateTime.formatIso(value) : undefined
}

/** The wrapped errors, outermost first, without wrappers that only repeat a message. */
export const causesOf = (links: ReadonlyArray<Link>, outermost: number, safe: Scrub) => {
  const said = new Set<string>()
  const causes = links.map(({ depth, value }) => {
    const { syscall: _, ...cause } = describe(value, safe)
    const fields = fieldsOf(value, safe)
    return { ...cause, depth: depth - outermost, ...(Object.keys(fields).length === 0 ? {} : { fields }) }
  })
  return causes
    .filter(({ code, message }) => code !== undefined || (!said.has(message) && said.add(message)))
    .slice(0, most.causes)
}

/** The stack of the error that was thrown first: the innermost one with frames. Its message is cut before its frames. */
export const stackOf = (links: ReadonlyArray<Link>, safe: Scrub): string | undefined => {
  for (const { value } of links.toSorted((a, b) => b.depth - a.depth)) {
    const frames = framesOf(value)
    if (frames.length === 0) continue
    // A text is cut only after its secrets are hidden, since half a secret is a secret too.
    const header = `${safe(nameOf(value))}: ${safe(read(value, "message") ?? "").slice(0, 200)}`
    return `${header}\n${safe(frames.slice(0, most.frames).join("\n"), true)}`
  }
  return undefined
}

/** The last part of a stack: frames come after a message of any length. */
const framesOf = (value: object): ReadonlyArray<string> =>
  (read(value, "stack") ?? "")
    .slice(-10_000)
    .split("\n")
    .filter((line) => line.startsWith("    at "))

/** Parts that differ between two failures of the same class: numbers, identifiers, addresses and quoted values. */
const particulars =
  /\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>]+|\b[\da-f]{8}-[\da-f-]{27}\b|\b(?=[\da-f]*\d)[\da-f]{6,}\b|"[^"]*\s[^"]*"|'[^']*\s[^']*'|\d+/gi

/** A message without the parts that differ each time. */
export const classOf = (message: string): string => message.slice(0, 500).replace(particulars, "#").slice(0, 200)

/** FNV-1a over 32 bits twice, from two bases: equal on every machine, and nothing depends on its strength. */
export const fingerprint = (parts: ReadonlyArray<string>): string => {
  const text = parts.join("\n")
  return [0x811c9dc5, 0x050c5d1f].map((basis) => fnv(basis, text)).join("")
}

const fnv = (basis: number, text: string): string => {
  let hash = basis
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, "0")
}
