/**
 * Any value as plain data that every log format can carry: bounded, without secrets, and made without a throw.
 *
 * Adapters use it for the values that programs log. Failures go through `Report` instead.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Redactable from "effect/Redactable"
import * as Redacted from "effect/Redacted"
import { safely, isArray, isError as isErrorOfAnyRealm, nameOf as nameOfError, stringAt } from "./internal/chain.ts"
import { first, tagOf, viewOf } from "./internal/platform.ts"
import { isCountName, isNamedBy, isSecretName } from "./internal/secrets/names.ts"
import { bounded, cut as cutText, hidden, type Scrub, scrubKnowing } from "./internal/secrets/scrub.ts"

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
  /** What a `Redactable` is shown by, such as `Headers.CurrentRedactedNames`. Default: an empty one, so that references have their defaults. */
  readonly context?: Context.Context<never> | undefined
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
 * is counted, as `… 36 more`. A `Redactable` is what it says of itself in the context, and what has a `toJSON` what that returns. Fields whose
 * names suggest secrets are `<redacted>`, as are `Redacted` values, the values of such names in pairs (`["authorization", "..."]`,
 * `{ name: "authorization", value: "..." }`), and those of secret headers in a flat list. A value that throws when it is read is
 * `unreadable`, one that contains itself `circular`. An error becomes its name and message; reports say more. A Map whose keys are not all
 * texts or numbers is a list of pairs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (value: unknown, options: Options = {}): Plain => {
  if (typeof value === "boolean" || typeof value === "number") return simple(value, bounded)
  return typeof value === "object" ? plain(value, 0, walkOf(options)) : simple(value, scrubKnowing(options.secrets))
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
  safely(() => ofFields(object, 0, walkOf(options))) ?? {}

/**
 * The same of several objects together, under the limits of one value: of two fields of one name the later one counts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fieldsOfAll = (
  objects: ReadonlyArray<object>,
  options: Options = {}
): { readonly [name: string]: Plain } => {
  const holders = new Map<string, object>()
  for (const object of objects) for (const name of safely(() => Object.keys(object)) ?? []) holders.set(name, object)
  const get = (held: typeof holders, key: string, name: Name) => fieldOf(held.get(key) ?? {}, key, name)
  return safely(() => ofNamed([...holders.keys()], holders.size, holders, get, 0, walkOf(options))) ?? {}
}

const walkOf = ({ context = Context.empty(), secrets }: Options): Walk => {
  const safe = scrubKnowing(secrets)
  return { safe, context, names: namesOf(safe), seen: new Set(), nodes: 0, characters: 0 }
}

/**
 * Whether a value is an error, also one of another realm, such as a worker's or a test runner's.
 *
 * @category guards
 * @since 0.1.0
 */
export const isError: (value: unknown) => value is Error = isErrorOfAnyRealm

/**
 * The first `length` UTF-16 units of a text, without half a character: a strict reader of JSON refuses one.
 *
 * @category formatting
 * @since 0.1.0
 */
export const cut: (text: string, length: number) => string = cutText

/**
 * Cleans a text as `make` does: at most 2000 characters, without secrets, credentials and the queries of URLs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const text = (value: string, options: Options = {}): string => scrubKnowing(options.secrets)(value)

interface Walk {
  readonly safe: Scrub
  readonly context: Context.Context<never>
  readonly names: Map<string, Name>
  /** The objects around the one that is looked at. */
  readonly seen: Set<object>
  nodes: number
  characters: number
}

const plain = (value: unknown, depth: number, walk: Walk): Plain => {
  if (typeof value !== "object") return withinRoom(simple(value, walk.safe), walk)
  if (value === null) return null
  try {
    return withinRoom(ofObject(value, depth, walk), walk)
  } catch {
    return "unreadable"
  }
}

/** A text, or as much of it as there is room for; what holds texts has been looked at already. */
const withinRoom = (value: Plain, walk: Walk): Plain => {
  if (typeof value !== "string") return value
  const room = most.characters - walk.characters
  walk.characters += value.length
  return value.length <= room ? value : `${cutText(value, Math.max(0, room))}…`
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
      return `[function ${safe(stringAt(value, "name") ?? "")}]`
    default:
      return safe(String(value))
  }
}

const ofObject = (value: object, depth: number, walk: Walk): Plain => {
  if (Redacted.isRedacted(value)) return hidden
  if (walk.seen.has(value)) return "circular"
  if (isEndless(value)) return "unreadable"
  walk.seen.add(value)
  const made = ofRead(value, depth, walk)
  walk.seen.delete(value)
  return made
}

/** `times` is how often it was asked already what it says of itself. */
const ofRead = (value: object, depth: number, walk: Walk, times = 0): Plain => {
  const said = times < 2 ? saidBy(value, walk) : value
  if (said !== value)
    return Predicate.isObjectKeyword(said) && !Redacted.isRedacted(said)
      ? ofRead(said, depth, walk, times + 1)
      : plain(said, depth, walk)
  if (isErrorOfAnyRealm(value)) return walk.safe(textOfError(value))
  if (Array.isArray(value))
    return depth >= most.depth ? "[…]" : ofList(first(value, most.entries), value.length, depth, walk)
  const view = isOrdinary(value) ? undefined : viewOf(value)
  if (view === undefined) return depth >= most.depth ? "{…}" : ofFields(value, depth, walk)
  if ("text" in view) return walk.safe(view.text)
  if (depth >= most.depth) return "values" in view ? "[…]" : "{…}"
  return "values" in view
    ? ofList(first(view.values, most.entries), view.size, depth, walk)
    : ofPairs(first(view.pairs, most.entries), view.size, depth, walk)
}

const textOfError = (value: object): string => {
  const message = stringAt(value, "message") ?? ""
  return message === "" ? nameOfError(value) : `${nameOfError(value)}: ${message}`
}

/** What a value says of itself, else the value. */
const saidBy = (value: object, walk: Walk): unknown => {
  if (Redactable.isRedactable(value)) return value[Redactable.symbolRedactable](walk.context)
  if (Duration.isDuration(value)) return Duration.format(value)
  if (DateTime.isDateTime(value)) return DateTime.formatIso(value)
  const toJson: unknown = "toJSON" in value ? value.toJSON : undefined
  // Clients' errors say whatever their client knows, and bytes are no list.
  if (typeof toJson !== "function" || isErrorOfAnyRealm(value) || ArrayBuffer.isView(value) || tagOf(value) === "Date")
    return value
  return toJson.call(value, "")
}

const isOrdinary = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether a Proxy has so many prototypes that `instanceof` might not end. */
const isEndless = (value: object): boolean => {
  let at: unknown = value
  for (let step = 0; step < most.entries && at !== null; step++) at = Object.getPrototypeOf(at)
  return at !== null
}

const isFull = (walk: Walk): boolean => ++walk.nodes > most.nodes || walk.characters > most.characters

const ofList = (values: ReadonlyArray<unknown>, size: number, depth: number, walk: Walk, isEntry = false): Plain => {
  const list: Array<Plain> = []
  const isOfPairs = values.every((value) => isArray(value) && value.length === 2)
  for (const [index, value] of values.entries()) {
    if (isFull(walk)) break
    const isSecret = !isOfPairs && isNamedSecret(values, index, size, isEntry)
    list.push(isSecret ? hidden : isOfPairs ? ofEntry(value, depth + 1, walk) : plain(value, depth + 1, walk))
  }
  if (list.length < size) list.push(`… ${size - list.length} more`)
  return list
}

/** Whether an entry is the value of a secret name before it: in a pair, in a flat list of headers, behind an option of a command line. */
const isNamedSecret = (values: ReadonlyArray<unknown>, index: number, size: number, isEntry: boolean): boolean => {
  const name = index === 0 ? undefined : values[index - 1]
  if (typeof name !== "string" || !(name.startsWith("--") || (index % 2 === 1 && size % 2 === 0))) return false
  return isNamedBy(name, values[index], size > 2 ? "list" : isEntry ? "entry" : "pair")
}

/** One of a list of pairs: the second is the value of the first, whatever it is. */
const ofEntry = (value: unknown, depth: number, walk: Walk): Plain => {
  if (!isArray(value) || depth >= most.depth || walk.seen.has(value)) return plain(value, depth, walk)
  walk.seen.add(value)
  const made = safely(() => ofList([...value], 2, depth, walk, true)) ?? "unreadable"
  walk.seen.delete(value)
  return made
}

const isSecretIdentifier = (text: unknown): boolean =>
  typeof text === "string" && /^[\w.-]{1,64}$/.test(text) && isSecretName(text)

/** So much of a name is read, of which less is shown. */
const longestName = 1000

/** A field's name, cleaned like a text but shorter. `isCount` is for numbers, `isValue` is called so for what another field names. */
interface Name {
  readonly text: string
  readonly isSecret: boolean
  readonly isCount: boolean
  readonly isValue: boolean
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
  const text = safe(key.length > longestName ? cutText(key, longestName) : key)
  const name = {
    text: text.length > most.name ? `${cutText(text, most.name)}…` : text,
    isSecret: isSecretName(text),
    isCount: isCountName(text),
    isValue: /^values?$/i.test(text)
  }
  if (key.length <= most.name && names.size < most.names) names.set(key, name)
  return name
}

const ofFields = (value: object, depth: number, walk: Walk): { readonly [name: string]: Plain } => {
  const names = Object.keys(value)
  return ofNamed(names, names.length, value, fieldOf, depth, walk)
}

/** A field's value, or what stands for a secret one. */
const fieldOf = (value: object, key: string, { isValue }: Name): unknown =>
  isValue && isValueOfSecret(value) ? secret : Reflect.get(value, key)

/** Stands for a value that is not to be read. */
const secret = Redacted.make("")

/** Whether an object has the value of another field's secret name, as in `{ name: "authorization", value: "..." }`. */
const isValueOfSecret = (value: object): boolean =>
  ["name", "key", "header", "Name", "Key"].some((other) => isSecretIdentifier(stringAt(value, other)))

/** Entries as fields, unless their keys are no names, or not one each. */
const ofPairs = (pairs: ReadonlyArray<readonly [unknown, unknown]>, size: number, depth: number, walk: Walk): Plain => {
  const byName = new Map(pairs.flatMap(([key, value]) => (isName(key) ? [[String(key), value]] : [])))
  if (byName.size < pairs.length) return ofList(pairs, size, depth, walk)
  return ofNamed([...byName.keys()], size, byName, (held, name) => held.get(name), depth, walk)
}

const isName = (key: unknown): boolean => typeof key === "string" || typeof key === "number"

const ofNamed = <Holder>(
  names: ReadonlyArray<string>,
  size: number,
  holder: Holder,
  get: (holder: Holder, key: string, name: Name) => unknown,
  depth: number,
  walk: Walk
): { readonly [name: string]: Plain } => {
  const fields: { [name: string]: Plain } = {}
  let count = 0
  for (const key of names) {
    if (count >= most.entries || isFull(walk)) break
    count++
    const name = nameOf(key, walk)
    walk.characters += name.text.length
    // A field of this name would be the object's prototype.
    if (name.text === "__proto__") continue
    const text = name.text === key && key.length <= most.name ? key : free(name.text, fields)
    try {
      const held = get(holder, key, name)
      fields[text] = name.isSecret && !isNoSecret(held, name.isCount) ? hidden : plain(held, depth + 1, walk)
    } catch {
      fields[text] = "unreadable"
    }
  }
  if (count < size) fields[free("…", fields)] = `${size - count} more`
  return fields
}

/** A name that was shortened or cleaned must not take the place of another. */
const free = (name: string, fields: object): string => (Object.hasOwn(fields, name) ? free(`${name}_`, fields) : name)

/** Whether what stands behind a secret's name is none: that there is one or not, and numbers of what is counted. */
const isNoSecret = (value: unknown, isCount: boolean): boolean => {
  if (typeof value === "boolean" || value === null || value === undefined) return true
  return isCount && isCounts(value, 0)
}

const isCounts = (value: unknown, depth: number): boolean => {
  if (value === undefined || typeof value === "number" || typeof value === "bigint") return true
  return depth < 3 && Predicate.isObjectKeyword(value) && Object.values(value).every((one) => isCounts(one, depth + 1))
}
