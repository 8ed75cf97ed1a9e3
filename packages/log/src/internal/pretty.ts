import type * as LogLevel from "effect/LogLevel"
import { styleText } from "node:util"
import type { LogRecord } from "./record.ts"

type Style = Parameters<typeof styleText>[0]

const styles: { readonly [Level in LogLevel.LogLevel]?: Style } = {
  Fatal: ["red", "bold"],
  Error: "red",
  Warn: "yellow",
  Info: "green",
  Debug: "gray",
  Trace: "gray"
}

/** Fields that only programs make use of. */
const forPrograms: ReadonlySet<string> = new Set(["error_level", "fingerprint", "item"])

/**
 * A record for a person: time, level, message, and those of its facts that the message does not tell. Causes and stacks stand on
 * lines of their own.
 */
export const format = ({ date, fields, level, message }: LogRecord, colors: boolean): string => {
  const paint = (style: Style | undefined, text: string) =>
    colors && style !== undefined ? styleText(style, text, { validateStream: false }) : text
  const { cause, causes, stack, ...facts } = fields
  const short = Object.entries(facts)
    .filter(([name, value]) => !forPrograms.has(name) && !isTold(value, message))
    .map(([name, value]) => `${name}=${show(value)}`)
  const head = [
    paint("gray", date.toISOString().slice(11, 23)),
    paint(styles[level], level.toUpperCase().padEnd(5)),
    visible(message),
    ...(short.length === 0 ? [] : [paint("gray", short.join(" "))])
  ]
  const below = [...causesOf(causes), ...linesOf(cause), ...linesOf(stack)]
  return [head.join(" "), ...below.map((line) => paint("gray", `    ${line}`))].join("\n")
}

const isTold = (value: unknown, message: string): boolean =>
  (typeof value === "string" || typeof value === "number") && message.includes(String(value))

const show = (value: unknown): string => {
  try {
    return visible(typeof value === "string" ? value : (JSON.stringify(value) ?? String(value)))
  } catch {
    return "unreadable"
  }
}

const causesOf = (causes: unknown): ReadonlyArray<string> =>
  Array.isArray(causes)
    ? causes.map(({ code, depth, message, name }) => {
        const coded = code === undefined ? "" : ` (${show(code)})`
        return `${"  ".repeat(depth)}caused by ${show(name)}: ${show(message)}${coded}`
      })
    : []

const linesOf = (text: unknown): ReadonlyArray<string> =>
  typeof text === "string" ? text.split("\n").map((line) => visible(line.trim())) : []

// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u001F\u007F-\u009F\u2028\u2029]/g

/** A text that cannot move the cursor, change colours or begin a line of its own. */
const visible = (text: string): string =>
  text.replace(controls, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
