import type { SQLInputValue } from "node:sqlite"
import { types } from "node:util"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Parameters } from "./syntax.ts"

const [smallest, largest] = [-(2n ** 63n), 2n ** 63n - 1n]

const held = "SQLite holds text, numbers, bigints, booleans, dates, bytes and null"

/**
 * A statement's parameters as node:sqlite takes them. It would take an object at the first place for names and values, leave out what
 * is missing, and store NaN as NULL, all without an error. The error names the parameter, and never its value.
 */
export const boundTo = (
  { count, named, plain }: Parameters,
  params: ReadonlyArray<unknown>,
  isNulRefused: boolean
): ReadonlyArray<SQLInputValue> => {
  if (params.length !== count) {
    throw new RangeError(`the statement has ${counted(count, "parameter")}, and got ${counted(params.length, "value")}`)
  }
  const values = params.map((param, index) => {
    const value = valueOf(param, isNulRefused)
    if (value === undefined) throw new TypeError(`parameter ${index + 1} is ${kindOf(param)}`)
    return value
  })
  if (named.size === 0) return values
  const byName = Object.fromEntries(Array.from(named, ([name, number]) => [name, values[number - 1] ?? null]))
  return [
    // The types of node:sqlite know an object at the first place only, where it is alone.
    byName as unknown as SQLInputValue,
    ...plain.map((number) => values[number - 1] ?? null)
  ]
}

/** What SQLite stores for a parameter; undefined if it cannot hold it. */
const valueOf = (param: unknown, isNulRefused: boolean): SQLInputValue | undefined => {
  if (typeof param === "string") return isNulRefused && param.includes("\0") ? undefined : param
  if (typeof param === "number") return Number.isNaN(param) ? undefined : param
  if (param === null || param === undefined) return null
  if (typeof param === "bigint") return param >= smallest && param <= largest ? param : undefined
  if (typeof param === "boolean") return Number(param)
  if (types.isDate(param)) return Number.isNaN(param.getTime()) ? undefined : param.toISOString()
  if (types.isArrayBufferView(param)) return param.byteLength > 0 ? param : empty(param.buffer)
  if (types.isAnyArrayBuffer(param)) return param.byteLength > 0 ? new Uint8Array(param) : empty(param)
  return undefined
}

/** Node.js before 24 stores NULL for some empty bytes, such as those of `TextEncoder`, but not for a part of others. */
const noBytes = new Uint8Array(1).subarray(1)

const empty = (buffer: ArrayBufferLike): SQLInputValue | undefined => (isTransferred(buffer) ? undefined : noBytes)

const isTransferred = (buffer: ArrayBufferLike): boolean => "detached" in buffer && buffer.detached

const kindOf = (param: unknown): string => {
  if (typeof param === "string")
    return "text with a NUL character, where Node.js before 24 cuts it in reading: store bytes"
  if (typeof param === "number") return `NaN; ${held}`
  if (typeof param === "bigint") return "a bigint of more than 64 bits; store text"
  if (types.isDate(param)) return "an invalid date"
  if (types.isArrayBufferView(param) || types.isAnyArrayBuffer(param))
    return "a buffer that was transferred: its bytes are gone"
  if (Option.isOption(param)) return "an Option: use Option.getOrNull"
  if (Redacted.isRedacted(param)) return "a Redacted: use Redacted.value"
  if (Array.isArray(param)) return `an array; ${held}`
  if (typeof param === "object") return `an object (${param?.constructor?.name ?? "no class"}); ${held}`
  return `a ${typeof param}; ${held}`
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`
