import type * as LogLevel from "effect/LogLevel"
import { styleText } from "node:util"
import type * as Report from "@redrive/core/Report"
import type { Format } from "../Format.ts"
import { reportFields, untold } from "./fields.ts"

type Style = Parameters<typeof styleText>[0]

const styles: { readonly [Level in LogLevel.LogLevel]?: Style } = {
  Fatal: ["red", "bold"],
  Error: "red",
  Warn: "yellow",
  Info: "green",
  Debug: "gray",
  Trace: "gray"
}

/** Fields that only programs make use of, and those that have lines of their own. */
const notFacts: ReadonlySet<string> = new Set(["causes", "error_level", "fingerprint", "item", "stack"])

/** What stands before the message: time and level. */
const margin = "01:02:03.456 ERROR ".length

export const format = (colors: boolean, width: number): Format => {
  const paint = (style: Style | undefined, text: string) =>
    colors && style !== undefined ? styleText(style, text, { validateStream: false }) : text
  return ({ annotations, date, fields, level, message, reports }) => {
    const [report] = reports
    const told = visible(message)
    const facts = Object.entries({
      error: untold(report, message),
      ...(report && reportFields(report)),
      ...annotations,
      ...fields
    })
      .filter(([name, value]) => value !== undefined && !notFacts.has(name) && !isTold(value, message))
      .map(([name, value]) => `${visible(name)}=${show(value)}`)
    const head = `${paint("gray", date.toISOString().slice(11, 23))} ${paint(styles[level], level.toUpperCase().padEnd(5))}`
    const [first = "", ...more] = folded(told, facts, width - margin, (text) => paint("gray", text))
    const indent = (line: string) => `${" ".repeat(margin)}${line}`
    const below = reports.flatMap((one, index) => treeOf(one, index > 0))
    return [`${head} ${first}`, ...more.map(indent), ...below.map((line) => indent(paint("gray", line)))].join("\n")
  }
}

/** The message and its facts on lines of a width, broken between words where that is possible. */
const folded = (
  message: string,
  facts: ReadonlyArray<string>,
  width: number,
  dim: (text: string) => string
): ReadonlyArray<string> => {
  const room = Math.max(20, width)
  const words = [
    ...message.split(" ").map((text) => ({ text, shown: text })),
    ...facts.map((text) => ({ text, shown: dim(text) }))
  ]
  const lines: Array<string> = []
  let line = ""
  let taken = 0
  for (const { shown, text } of words) {
    if (taken > 0 && taken + 1 + text.length > room) {
      lines.push(line)
      line = shown
      taken = text.length
    } else {
      line = taken === 0 ? shown : `${line} ${shown}`
      taken += (taken === 0 ? 0 : 1) + text.length
    }
  }
  return [...lines, line]
}

const isTold = (value: unknown, message: string): boolean =>
  (typeof value === "string" || typeof value === "number") && message.includes(String(value))

const show = (value: unknown): string => visible(typeof value === "string" ? value : JSON.stringify(value))

/** What a failure was caused by, each below what it caused, and the stack of the first. */
const treeOf = ({ causes, code, message, stack }: Report.Report, isAlso: boolean): ReadonlyArray<string> => [
  ...(isAlso ? [`and ${visible(code)}: ${visible(message)}`] : []),
  ...causes.map((cause, index) => `${branch(levelsOf(causes), index)}${describe(cause)}`),
  ...linesOf(stack)
]

const describe = ({ code, fields, message, name }: Report.Cause): string => {
  const coded = code === undefined || message.includes(code) ? "" : ` (${visible(code)})`
  const facts = Object.entries(fields ?? {})
    .filter(([, value]) => !isTold(value, message))
    .map(([key, value]) => ` ${visible(key)}=${show(value)}`)
  return `${visible(name)}: ${visible(message)}${coded}${facts.join("")}`
}

/** How far to the right each cause stands: some depths are empty, since wraps that say nothing are left out. */
const levelsOf = (causes: ReadonlyArray<Report.Cause>): ReadonlyArray<number> => {
  const above: Array<number> = []
  return causes.map(({ depth }) => {
    while ((above.at(-1) ?? -1) >= depth) above.pop()
    above.push(depth)
    return above.length - 1
  })
}

/** The lines of a tree before one of its nodes: what follows at a level decides whether its line goes on. */
const branch = (levels: ReadonlyArray<number>, index: number): string => {
  const depth = levels[index] ?? 0
  const goesOn = (level: number) => {
    for (const later of levels.slice(index + 1)) {
      if (later < level) return false
      if (later === level) return true
    }
    return false
  }
  const above = Array.from({ length: depth }, (_, level) => (goesOn(level) ? "│  " : "   "))
  return `${above.join("")}${goesOn(depth) ? "├─ " : "└─ "}`
}

const linesOf = (text: unknown): ReadonlyArray<string> =>
  typeof text === "string" ? text.split("\n").map((line) => visible(line.trimEnd())) : []

// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u001F\u007F-\u009F\u2028\u2029]/g

/** A text that cannot move the cursor, change colours or begin a line of its own. */
const visible = (text: string): string =>
  text.replace(controls, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
