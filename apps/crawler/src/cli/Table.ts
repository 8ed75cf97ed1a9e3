/**
 * Columns of text, as wide as their widest cell on a terminal, and together no wider than the terminal.
 */
import process from "node:process"
import { displayWidth } from "effect/cli/CliOutput"

/** The columns that `COLUMNS` says, else those of the terminal, else 80. */
const terminalWidth = (): number => {
  const told = Number(process.env["COLUMNS"])
  return [told, process.stdout.columns].find((columns) => Number.isInteger(columns) && columns > 0) ?? 80
}

const gap = 2

/** Lines of a table under its head; numbers stand to the right. Cells that do not fit go on in further lines: nothing is left out. */
export const lines = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string | number>>,
  width: number = terminalWidth()
): ReadonlyArray<string> => {
  const needed = head.map((title, column) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(String(row[column] ?? ""))))
  )
  const words = head.map((title, column) =>
    Math.max(displayWidth(title), ...rows.map((row) => longestWord(row[column] ?? "")))
  )
  const titles = head.map((title, column) =>
    Math.max(
      displayWidth(title),
      ...rows.map((row) => (typeof row[column] === "number" ? longestWord(row[column]) : 0))
    )
  )
  const room = width - gap * (head.length - 1)
  const widths = force(fit(needed, words, room), titles, room)
  const line = (cells: ReadonlyArray<string | number>): ReadonlyArray<string> => {
    const parts = widths.map((width, column) => wrap(String(cells[column] ?? ""), width))
    return Array.from({ length: Math.max(...parts.map((part) => part.length)) }, (_, row) =>
      widths
        .map((width, column) => pad(parts[column]?.[row] ?? "", width, typeof cells[column] === "number"))
        .join(" ".repeat(gap))
        .trimEnd()
    )
  }
  return [head, ...rows].flatMap(line)
}

/** Takes columns off the widest until all fit, but none from what a column needs at least. */
const fit = (needed: ReadonlyArray<number>, least: ReadonlyArray<number>, room: number): ReadonlyArray<number> => {
  const widths = [...needed]
  for (let over = sum(widths) - room; over > 0; over--) {
    const spare = widths.map((width, column) => (width > (least[column] ?? 0) ? width : 0))
    const widest = Math.max(...spare)
    if (widest <= 0) break
    widths[spare.indexOf(widest)] = widest - 1
  }
  return widths
}

/** Takes columns off the last one first, which has words where the others have names. */
const force = (needed: ReadonlyArray<number>, least: ReadonlyArray<number>, room: number): ReadonlyArray<number> => {
  let over = sum(needed) - room
  return needed
    .map((_, index) => needed.length - 1 - index)
    .map((column) => {
      const width = needed[column] ?? 0
      const taken = Math.max(0, Math.min(over, width - (least[column] ?? 0)))
      over -= taken
      return width - taken
    })
    .toReversed()
}

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, one) => total + one, 0)

const pad = (text: string, width: number, isRight: boolean): string => {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)))
  return isRight ? space + text : text + space
}

/** What is not broken if that can be avoided: words, and the parts of URLs. */
const wordsOf = (text: string): ReadonlyArray<string> =>
  text.match(/\s*\S+\s*/g)?.flatMap((word) => (word.includes("/") ? (word.match(partOfUrl) ?? []) : [word])) ?? []

const partOfUrl = /[^/?&=]*[/?&=]+\s*|[^/?&=]+/g

/** As wide as a code; longer words may be broken. */
const longest = 24

const longestWord = (cell: string | number): number =>
  Math.max(0, ...wordsOf(String(cell)).map((word) => Math.min(longest, displayWidth(word.trimEnd()))))

/** A text in lines of a width, the later ones indented as the first one is. */
const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const indent = /^ */.exec(text)?.[0] ?? ""
  const lines: Array<string> = []
  let line = ""
  const add = (part: string) => {
    if (displayWidth((line + part).trimEnd()) > width && line.trim() !== "") {
      lines.push(line.trimEnd())
      line = indent
    }
    line += part
  }
  for (const word of wordsOf(text)) {
    if (displayWidth(indent + word.trim()) <= width) add(word)
    else for (const { segment } of characters.segment(word)) add(segment)
  }
  return [...lines, line.trimEnd()]
}

/** A text cut to a width, its end marked. */
export const cut = (text: string, width: number): string => {
  if (displayWidth(text) <= width) return text
  let short = ""
  let taken = 0
  for (const { segment } of characters.segment(text)) {
    taken += displayWidth(segment)
    if (taken >= width) break
    short += segment
  }
  return `${short}…`
}

const characters = new Intl.Segmenter()
