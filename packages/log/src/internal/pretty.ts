import { displayWidth } from "effect/cli/CliOutput"
import type * as LogLevel from "effect/LogLevel"
import { styleText } from "node:util"
import type * as Report from "@redrive/core/Report"
import type { Format } from "../Format.ts"
import { reportFields, untold } from "./fields.ts"
import { isoOf } from "./iso.ts"
import { visible } from "./visible.ts"

type Style = Parameters<typeof styleText>[0]

const styles: { readonly [Level in LogLevel.LogLevel]?: Style } = {
  Fatal: ["red", "bold"],
  Error: "red",
  Warn: "yellow",
  Info: "green",
  Debug: "gray",
  Trace: "gray"
}

/** Fields that are not shown: only programs use them, or they have lines of their own. */
const notFacts: ReadonlySet<string> = new Set(["causes", "error_level", "fingerprint", "item", "stack"])

/** The head of a line: time and level. */
const margin = "01:02:03.456 ERROR ".length

export const format = (colors: boolean, width: number): Format => {
  const paint = (style: Style | undefined, text: string) =>
    colors && style !== undefined ? styleText(style, text, { validateStream: false }) : text
  const room = Math.max(20, width - margin)
  return ({ annotations, date, fields, level, message, reports, trace }) => {
    const [report] = reports
    const facts = Object.entries({
      error: untold(report, message),
      ...(report && reportFields(report)),
      ...annotations,
      ...fields,
      trace: trace?.traceId
    })
      .filter(([name, value]) => value !== undefined && !notFacts.has(name) && !isTold(value, message))
      .map(([name, value]) => `${visible(name)}=${show(value)}`)
    const dim = (text: string) => paint("gray", text)
    const head = `${dim(isoOf(date).slice(11, 23))} ${paint(styles[level], level.toUpperCase().padEnd(5))}`
    // Further lines of a message are indented, so that none of them looks like a record.
    const told = message.split("\n").map((line) => wordsOf(visible(line)))
    const last = [...(told.pop() ?? []), ...facts.map((text) => ({ text, shown: dim(text) }))]
    const [first = "", ...more] = [...told, last].flatMap((words) => folded(words, room))
    const below = reports.flatMap((one, index) => treeOf(one, index > 0)).flatMap((line) => hanging(line, room))
    return [`${head} ${first}`, ...more.map(indent), ...below.map((line) => indent(dim(line)))].join("\n")
  }
}

const indent = (line: string): string => `${" ".repeat(margin)}${line}`

/** A word of a line, and its style. */
interface Word {
  readonly text: string
  readonly shown: string
}

const wordsOf = (line: string): ReadonlyArray<Word> => line.split(" ").map((text) => ({ text, shown: text }))

/** The width of a text in terminal columns. ASCII has one for each character, which takes a hundredth of the time to compute. */
const columnsOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : displayWidth(text))

/** Folds words into lines of a width in columns. */
const folded = (words: ReadonlyArray<Word>, room: number): ReadonlyArray<string> => {
  if (room === Infinity) return [words.map(({ shown }) => shown).join(" ")]
  const lines: Array<string> = []
  let line = ""
  let taken = 0
  for (const { shown, text } of words) {
    const columns = columnsOf(text)
    if (taken > 0 && taken + 1 + columns > room) {
      lines.push(line)
      line = shown
      taken = columns
    } else {
      line = taken === 0 ? shown : `${line} ${shown}`
      taken += (taken === 0 ? 0 : 1) + columns
    }
  }
  return [...lines, line]
}

/** Folds a line of a tree or a stack; the continuation is indented. */
const hanging = (line: string, room: number): ReadonlyArray<string> => {
  if (room === Infinity || columnsOf(line) <= room) return [line]
  const [lead = ""] = /^[ │├└─]*/.exec(line) ?? []
  const under = `${lead.replace(/[├]/g, "│").replace(/[└─]/g, " ")}  `
  const [first = "", ...rest] = folded(wordsOf(line.slice(lead.length)), Math.max(20, room - lead.length - 2))
  return [`${lead}${first}`, ...rest.map((text) => `${under}${text}`)]
}

/** Whether a message contains a value as a whole word. */
const isTold = (value: unknown, message: string): boolean => {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : ""
  if (text === "") return false
  for (let at = message.indexOf(text); at >= 0; at = message.indexOf(text, at + 1)) {
    if (!/\w/.test(`${message[at - 1] ?? " "}${message[at + text.length] ?? " "}`)) return true
  }
  return false
}

const show = (value: unknown): string => visible(typeof value === "string" ? value : JSON.stringify(value))

/** The causes of a failure as a tree, and its stack. */
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

/** The indentation of each cause. Some depths are empty, because wrappers that add nothing are left out. */
const levelsOf = (causes: ReadonlyArray<Report.Cause>): ReadonlyArray<number> => {
  const above: Array<number> = []
  return causes.map(({ depth }) => {
    while ((above.at(-1) ?? -1) >= depth) above.pop()
    above.push(depth)
    return above.length - 1
  })
}

/** The vertical lines before a node: a level has one if another node follows on it. */
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
