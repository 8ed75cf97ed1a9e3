/**
 * Any value as plain data that every log format can carry: bounded, without secrets, and made without a throw.
 *
 * Adapters use it for the values that programs log. Failures go through `Report` instead.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { attempt, nameOf as nameOfError, read } from "./internal/chain.ts"
import { bounded, hidden, isSecretName, type Scrub, scrubKnowing } from "./internal/text.ts"

/**
 * Any JSON value.
 *
 * @category models
 * @since 0.1.0
 */
export type Plain = string | number | boolean | null | ReadonlyArray<Plain> | { readonly [name: string]: Plain }

/**
 * How a value is made plain.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Secrets that must not appear in any text. Default: none. */
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
}

/**
 * Limits: the depth of a value, the entries of one object or list, the entries and characters of a whole value, the length of a name, and
 * the names that are cached.
 */
const most = { depth: 6, entries: 64, nodes: 512, characters: 32_768, name: 200, names: 1000 }

/**
 * Turns a value into plain data.
 *
 * It has at most six levels, 64 entries a level and 512 in all, texts as in a `Report` and 32,768 characters of text in all. Anything beyond
 * is counted, as `… 36 more`. Fields whose names suggest secrets are `<redacted>`, as are `Redacted` values. A value that throws when it is
 * read is `unreadable`, one that contains itself `circular`. An error becomes its name and message; reports say more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (value: unknown, options: Options = {}): Plain => {
  if (typeof value === "boolean" || typeof value === "number") return simple(value, bounded)
  const safe = scrubKnowing(options.secrets)
  return typeof value === "object" ? plain(value, 0, walkOf(safe)) : simple(value, safe)
}

/**
 * Turns the fields of an object into plain data, under the limits of one value. Never throws.
 *
 * A field that cannot be read is `unreadable`, and does not affect the others.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fields = (object: object, options: Options = {}): { readonly [name: string]: Plain } =>
  attempt(() => ofFields(object, 0, walkOf(scrubKnowing(options.secrets)))) ?? {}

const walkOf = (safe: Scrub): Walk => ({ safe, names: namesOf(safe), seen: new Set(), nodes: 0, characters: 0 })

/**
 * Cleans a text as `make` does: at most 2000 characters, without secrets, credentials and the queries of URLs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const text = (value: string, options: Options = {}): string => scrubKnowing(options.secrets)(value)

interface Walk {
  readonly safe: Scrub
  readonly names: Map<string, Name>
  /** The objects around the one that is looked at. */
  readonly seen: Set<object>
  nodes: number
  characters: number
}

const plain = (value: unknown, depth: number, walk: Walk): Plain => {
  if (typeof value !== "object") return withinRoom(simple(value, walk.safe), walk)
  return value === null ? null : withinRoom(attempt(() => ofObject(value, depth, walk)) ?? "unreadable", walk)
}

/** A text, or as much of it as there is room for; what holds texts has been looked at already. */
const withinRoom = (value: Plain, walk: Walk): Plain => {
  if (typeof value !== "string") return value
  const room = most.characters - walk.characters
  walk.characters += value.length
  return value.length <= room ? value : `${value.slice(0, Math.max(0, room))}…`
}

/** What is no object. */
const simple = (value: unknown, safe: Scrub): Plain => {
  switch (typeof value) {
    case "string":
      return safe(value)
    case "boolean":
      return value
    case "number":
      // JSON has no -0.
      return Number.isFinite(value) ? value + 0 : String(value)
    case "undefined":
      return null
    case "function":
      return `[function ${safe(read(value, "name") ?? "")}]`
    default:
      return safe(String(value))
  }
}

const ofObject = (value: object, depth: number, walk: Walk): Plain => {
  if (Redacted.isRedacted(value)) return hidden
  if (walk.seen.has(value)) return "circular"
  if (isEndless(value)) return "unreadable"
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString()
  if (Duration.isDuration(value)) return Duration.format(value)
  if (DateTime.isDateTime(value)) return DateTime.formatIso(value)
  if (value instanceof Error) return walk.safe(`${nameOfError(value)}: ${read(value, "message") ?? ""}`)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (depth >= most.depth) return Array.isArray(value) ? "[…]" : "{…}"
  walk.seen.add(value)
  const made =
    Array.isArray(value) || value instanceof Set
      ? ofList([...first(value)], sizeOf(value), depth, walk)
      : ofFields(value, depth, walk)
  walk.seen.delete(value)
  return made
}

/** Whether a Proxy has so many prototypes that `instanceof` might not end. */
const isEndless = (value: object): boolean => {
  let at: unknown = value
  for (let step = 0; step < most.entries && at !== null; step++) at = Object.getPrototypeOf(at)
  return at !== null
}

/** The first entries of a collection that may have millions. */
function* first<A>(values: Iterable<A>): Generator<A> {
  let count = 0
  for (const value of values) {
    if (count++ >= most.entries) return
    yield value
  }
}

const sizeOf = (value: ReadonlyArray<unknown> | ReadonlySet<unknown>): number =>
  "size" in value ? value.size : value.length

const isFull = (walk: Walk): boolean => ++walk.nodes > most.nodes || walk.characters > most.characters

const ofList = (values: ReadonlyArray<unknown>, size: number, depth: number, walk: Walk): Plain => {
  const list: Array<Plain> = []
  for (const value of values) {
    if (isFull(walk)) break
    list.push(plain(value, depth + 1, walk))
  }
  if (list.length < size) list.push(`… ${size - list.length} more`)
  return list
}

/** A field's name, cleaned like a text but shorter. */
interface Name {
  readonly text: string
  readonly isSecret: boolean
}

/** Caches cleaned names by scrub, since a program uses the same few field names with every line. */
const known = new WeakMap<Scrub, Map<string, Name>>()

const namesOf = (safe: Scrub): Map<string, Name> => {
  const found = known.get(safe)
  if (found !== undefined) return found
  const names = new Map<string, Name>()
  known.set(safe, names)
  return names
}

const nameOf = (key: string, { names, safe }: Walk): Name => {
  const found = names.get(key)
  if (found !== undefined) return found
  const text = safe(key)
  const isLong = text.length > most.name
  const name = { text: isLong ? `${text.slice(0, most.name)}…` : text, isSecret: isSecretName(text) }
  if (key.length <= most.name && names.size < most.names) names.set(key, name)
  return name
}

const ofFields = (value: object, depth: number, walk: Walk): { readonly [name: string]: Plain } => {
  const isMap = value instanceof Map
  const names = isMap ? [...first(value.keys())] : Object.keys(value)
  const size = isMap ? value.size : names.length
  const fields: { [name: string]: Plain } = {}
  let count = 0
  for (const key of names) {
    if (count >= most.entries || isFull(walk)) break
    count++
    const { isSecret, text } = nameOf(String(key), walk)
    walk.characters += text.length
    // A field of this name would be the object's prototype.
    if (text !== "__proto__") fields[text] = isSecret ? hidden : ofField(value, key, depth + 1, walk)
  }
  if (count < size) fields["…"] = `${size - count} more`
  return fields
}

const ofField = (value: object, key: unknown, depth: number, walk: Walk): Plain => {
  try {
    const held: unknown = value instanceof Map ? value.get(key) : Reflect.get(value, String(key))
    return plain(held, depth, walk)
  } catch {
    return "unreadable"
  }
}
