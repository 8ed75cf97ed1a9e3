/**
 * Numbers, times and reasons in words. Times are in UTC everywhere, as in the log: the server and each browser write the same.
 */

export const counted = (count: number, noun: string): string => `${number(count)} ${noun}${count === 1 ? "" : "s"}`

/** `12,345`. */
export const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",")

/** Millionths of a dollar: `$1,204.50`, and `$0.002`, which cents do not show. */
export const money = (micros: number): string => {
  const [whole = "0", part = ""] = (Math.abs(micros) / 1_000_000).toFixed(6).split(".")
  const cents = part.replace(/0+$/, "").padEnd(2, "0")
  return `${micros < 0 ? "−" : ""}$${number(Number(whole))}.${Math.abs(micros) >= 1_000_000 ? part.slice(0, 2) : cents}`
}

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1]
] as const

/** `4 min 12 s`: the two largest units. Below ten seconds with a tenth if `isExact`. */
export const duration = (ms: number, isExact = false): string => {
  if (isExact && ms < 1000) return `${Math.round(ms)} ms`
  if (isExact && ms < 10_000) return `${(ms / 1000).toFixed(1).replace(".0", "")} s`
  let left = Math.max(0, Math.round(ms / 1000))
  const parts: Array<string> = []
  for (const [name, seconds] of units) {
    const count = Math.floor(left / seconds)
    left -= count * seconds
    if (count > 0) parts.push(`${count} ${name}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.length === 0 ? "0 s" : parts.join(" ")
}

const isTime = (ms: number): boolean => Number.isFinite(new Date(ms).getTime())

/** `2026-11-24T01:00:30.000Z`. */
export const iso = (ms: number): string => (isTime(ms) ? new Date(ms).toISOString() : "")

/** `01:00:30`. */
export const clock = (ms: number): string => iso(ms).slice(11, 19)

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** `24 Nov`. */
export const day = (ms: number): string => {
  if (!isTime(ms)) return ""
  const date = new Date(ms)
  return `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ""}`
}

/** The time of a day as near as `now` needs it: `01:00:30`, and with the day if that is another one. */
export const moment = (ms: number, now: number): string =>
  day(ms) === day(now) && Math.abs(ms - now) < 86_400_000 ? clock(ms) : `${day(ms)} ${clock(ms).slice(0, 5)}`

/** `in 4 min 12 s`, and `now` once it is due. */
export const until = (ms: number): string => (ms < 500 ? "now" : `in ${duration(ms)}`)

/** Cut in the middle, so that the host and the end of a URL remain. */
export const cut = (text: string, most: number): string => {
  const characters = Array.from(text)
  if (characters.length <= most) return text
  const end = Math.floor((most - 1) * 0.4)
  return `${characters.slice(0, most - 1 - end).join("")}…${characters.slice(-end).join("")}`
}

// What nobody sees, and what changes the order of what is beside it: controls, marks of direction, blanks without width, halves of a character.
const hidden =
  /[\p{Cc}\p{Cs}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu

/** A text of strangers, with the characters in it that nobody would see as their numbers: `⟨U+202E⟩`. Lines and tabs become blanks. */
export const visible = (text: string): string =>
  text.replace(/[\t\n\r]+/g, " ").replace(hidden, (character) => {
    const point = character.codePointAt(0) ?? 0
    return `⟨U+${point.toString(16).toUpperCase().padStart(4, "0")}⟩`
  })

/** Why a page waits, by the reasons of a story. */
export const whys = {
  backoff: ["backoff", "the policy waits after a failure (backoff)"],
  retry_after: ["Retry-After", "the site said when to come back (Retry-After)"],
  host_paused: ["host paused", "its host is paused for all pages"],
  refused: ["no turn", "the policy gave it no turn (rate limit, bulkhead or breaker)"]
} as const

/** Why a page was given up, by the words of `Because`. */
export const becauses: { readonly [because: string]: string } = {
  permanent: "another try changes nothing",
  parked: "a person must act first",
  parked_too_long: "nobody acted in time",
  retries: "all retries are used up",
  nested: "an outer call decides",
  deadline: "the time for it was over",
  retry_after_too_long: "the site wants a longer wait than the policy allows",
  ambiguous: "it may have happened already",
  not_replayable: "it cannot be sent twice",
  budget: "too much failed: the retry budget was spent",
  breaker: "the breaker of its host was open",
  bulkhead: "there was no place for it",
  rate_limit: "its turn would have come too late",
  spend: "it would cost more than is left",
  interrupted: "it was interrupted"
}
