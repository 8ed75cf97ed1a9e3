/**
 * Any value as plain data that every log format can carry: bounded, without secrets, and made without a throw.
 *
 * Adapters pass through it what programs hand to loggers. What a failure is made of goes through `Report` in place of this.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { attempt, nameOf, read } from "./internal/chain.ts"
import { bounded, hidden, isSecretName, type Scrub, scrub } from "./internal/text.ts"

/**
 * What JSON can say.
 *
 * @category models
 * @since 0.1.0
 */
export type Plain = string | number | boolean | null | ReadonlyArray<Plain> | { readonly [name: string]: Plain }

/**
 * `secrets` that must not appear in any text (none).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
}

/** No value is deeper, no object or list has more entries, no value has more of them in all, or longer texts together. */
const most = { depth: 6, entries: 64, nodes: 512, characters: 32_768, name: 200 }

/**
 * A value as plain data.
 *
 * At most six levels deep, 64 entries a level and 512 in all, texts as in a `Report` and 32,768 characters of them together: what is beyond is
 * said, as `… 36 more`. Fields whose
 * names speak of secrets are `<redacted>`, as are `Redacted` values; what throws when it is read is `unreadable`, what contains itself is
 * `circular`. An error is its name and message; reports say more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (value: unknown, options: Options = {}): Plain => {
  if (typeof value === "boolean" || typeof value === "number") return simple(value, bounded)
  const safe = scrubOf(options)
  return typeof value === "object" ? plain(value, 0, walkOf(safe)) : simple(value, safe)
}

/**
 * The fields of an object as plain data, bounded together as one value is, each by itself: one that cannot be read is `unreadable`, and costs
 * the others nothing. Never throws.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fields = (object: object, options: Options = {}): { readonly [name: string]: Plain } =>
  attempt(() => ofFields(object, 0, walkOf(scrubOf(options)))) ?? {}

const walkOf = (safe: Scrub): Walk => ({ safe, seen: new Set(), nodes: 0, characters: 0 })

/**
 * A text with what `make` would leave of it: at most 2000 characters, without secrets, credentials and the queries of URLs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const text = (value: string, options: Options = {}): string => scrubOf(options)(value)

const scrubOf = ({ secrets = [] }: Options): Scrub => {
  if (secrets.length === 0) return bounded
  const values = secrets.map((secret) => attempt(() => Redacted.value(secret)))
  return scrub(values.filter(Predicate.isString))
}

interface Walk {
  readonly safe: Scrub
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
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString()
  if (Duration.isDuration(value)) return Duration.format(value)
  if (DateTime.isDateTime(value)) return DateTime.formatIso(value)
  if (value instanceof Error) return walk.safe(`${nameOf(value)}: ${read(value, "message") ?? ""}`)
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

/** The first entries, of what may have millions. */
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

/** A name as safe as a text, and shorter. */
const nameOfField = (key: unknown, walk: Walk): string => {
  const name = walk.safe(String(key))
  walk.characters += Math.min(name.length, most.name)
  return name.length > most.name ? `${name.slice(0, most.name)}…` : name
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
    const name = nameOfField(key, walk)
    // A field of this name would be the object's prototype.
    if (name === "__proto__") continue
    const read = () => plain(isMap ? value.get(key) : Reflect.get(value, String(key)), depth + 1, walk)
    fields[name] = isSecretName(name) ? hidden : (attempt(read) ?? "unreadable")
  }
  if (count < size) fields["…"] = `${size - count} more`
  return fields
}
