import type { LogRecord } from "./record.ts"

/** A record as one line of JSON. A field that cannot be written says so, and costs the others nothing. */
export const format = ({ date, fields, level, message }: LogRecord): string => {
  const known = { timestamp: date.toISOString(), level: level.toLowerCase(), message }
  const entries = [...Object.entries(known), ...Object.entries(fields).filter(([name]) => !(name in known))]
  return `{${entries.map(([name, value]) => `${write(name)}:${write(value)}`).join(",")}}`
}

const write = (value: unknown): string => {
  try {
    return escape(JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner)) ?? "null")
  } catch {
    return '"unreadable"'
  }
}

// JSON.stringify escapes what is below a space; the rest of the control characters can move a terminal's cursor too.
// oxlint-disable-next-line no-control-regex
const controls = /[\u007F-\u009F\u2028\u2029]/g

const escape = (json: string): string =>
  json.replace(controls, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
