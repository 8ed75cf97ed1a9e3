/**
 * A filter as the query of a URL and in words. The browser has this module too, so it imports nothing.
 */
import type { Filter, Status } from "./Filter.ts"

/** The fields in the order in which a URL has them. */
export const fields = ["job", "status", "code", "detail", "actor", "because", "host", "next", "text"] as const

/** The fields that only a failure has. */
export const ofFailures = ["code", "detail", "actor", "because"] as const

/** The part of a filter that alerts know as well: incidents have codes, hosts and who acts, and no job, text or time. None, if a silence of it would be one of all alerts. */
export const ofAlerts = ({ actor, code, detail, host }: Filter): Filter | undefined =>
  actor === undefined && code === undefined && host === undefined
    ? undefined
    : {
        ...(code !== undefined && { code }),
        ...(code !== undefined && detail !== undefined && { detail }),
        ...(actor !== undefined && { actor }),
        ...(host !== undefined && { host })
      }

/** Each status, in the order of a page's life. */
export const statuses: ReadonlyArray<Status> = ["queued", "running", "waiting", "done", "failed", "cancelled"]

/** A time, such as `10m`, and whether the next attempt comes after it, as in `over-10m`. */
export const isNext = /^(over-)?([1-9]\d{0,3})([smhd])$/

const units = { s: ["s", 1000], m: ["min", 60_000], h: ["h", 3_600_000], d: ["d", 86_400_000] } as const

type Unit = keyof typeof units

const partsOf = (next: string) => {
  const [, over, count = "", unit = "s"] = isNext.exec(next) ?? []
  const [name, ms] = units[unit as Unit]
  return { isOver: over !== undefined, ms: Number(count) * ms, words: `${count} ${name}` }
}

/** How many milliseconds from now on the next attempt comes: after the first ones, and until the last ones. */
export const rangeOf = (next: string): readonly [after: number, until: number] => {
  const { isOver, ms } = partsOf(next)
  return isOver ? [ms, Infinity] : [0, ms]
}

/** `within 10 min`, `in more than 1 h`. */
export const nextInWords = (next: string): string => {
  const { isOver, words } = partsOf(next)
  return `${isOver ? "in more than" : "within"} ${words}`
}

/** Whether a field may have a value. */
const isGood = (field: (typeof fields)[number], value: string): boolean =>
  field === "status"
    ? statuses.some((status) => status === value)
    : field === "next"
      ? isNext.test(value)
      : value !== ""

/** The query of a filter without its question mark: `status=failed&host=example.com`. Empty for a filter without fields. */
export const toQuery = (filter: Filter): string => {
  const query = new URLSearchParams()
  for (const field of fields) {
    const value = filter[field]
    if (value !== undefined && value !== "") query.set(field, value)
  }
  return query.toString()
}

/** The filter of a query. Fields that are unknown or empty are left out, and a status or a time that does not exist. */
export const fromQuery = (query: URLSearchParams): Filter => {
  const known = fields.flatMap((field) => {
    const value = query.get(field) ?? ""
    return isGood(field, value) ? [[field, value] as const] : []
  })
  return Object.fromEntries(known)
}

/** Which pages a filter has: `failed pages of host example.com with code host_returned_error, to be acted on by the site owner`. */
export const inWords = (filter: Filter, noun = "pages"): string => {
  const { actor, next, status } = filter
  const what = status === undefined ? noun : `${status} ${noun}`
  const told = phrases.flatMap(([field, phrase, end]) => {
    const value = filter[field] ?? ""
    return value === "" ? [] : [`${phrase}${value}${end}`]
  })
  const who =
    actor === undefined ? "" : actor === "nobody" ? ", on which nobody can act" : `, to be acted on by the ${actor}`
  const when = next === undefined ? "" : ` whose next attempt comes ${nextInWords(next)}`
  return `${[what, ...told].join(" ")}${who}${when}`
}

const phrases = [
  ["host", "of host ", ""],
  ["job", "of job ", ""],
  ["code", "with code ", ""],
  ["detail", "with detail ", ""],
  ["because", "given up because of ", ""],
  ["text", "with the text “", "”"]
] as const
