/**
 * A filter as the query of a URL and in words. The browser has this module too, so it imports nothing.
 */
import type { Filter, Status } from "./Filter.ts"

/** The fields in the order in which a URL has them. */
export const fields = ["job", "status", "code", "detail", "actor", "because", "host", "text"] as const

/** The fields that only a failure has. */
export const ofFailures = ["code", "detail", "actor", "because"] as const

/** Each status, in the order of a page's life. */
export const statuses: ReadonlyArray<Status> = ["queued", "running", "waiting", "done", "failed", "cancelled"]

/** The query of a filter without its question mark: `status=failed&host=example.com`. Empty for a filter without fields. */
export const toQuery = (filter: Filter): string => {
  const query = new URLSearchParams()
  for (const field of fields) {
    const value = filter[field]
    if (value !== undefined && value !== "") query.set(field, value)
  }
  return query.toString()
}

/** The filter of a query. Fields that are unknown or empty are left out, and a status that does not exist. */
export const fromQuery = (query: URLSearchParams): Filter => {
  const known = fields.flatMap((field) => {
    const value = query.get(field) ?? ""
    const isGood = value !== "" && (field !== "status" || statuses.some((status) => status === value))
    return isGood ? [[field, value] as const] : []
  })
  return Object.fromEntries(known)
}

/** Which pages a filter has: `failed pages of host example.com with code host_returned_error, to be acted on by the site owner`. */
export const inWords = (filter: Filter, noun = "pages"): string => {
  const { actor, status } = filter
  const what = status === undefined ? noun : `${status} ${noun}`
  const told = phrases.flatMap(([field, phrase, end]) => {
    const value = filter[field] ?? ""
    return value === "" ? [] : [`${phrase}${value}${end}`]
  })
  const who =
    actor === undefined ? "" : actor === "nobody" ? ", on which nobody can act" : `, to be acted on by the ${actor}`
  return `${[what, ...told].join(" ")}${who}`
}

const phrases = [
  ["host", "of host ", ""],
  ["job", "of job ", ""],
  ["code", "with code ", ""],
  ["detail", "with detail ", ""],
  ["because", "given up because of ", ""],
  ["text", "with the text “", "”"]
] as const
