/**
 * Columns of text, as wide as their widest cell on a terminal.
 */
import { displayWidth } from "effect/cli/CliOutput"

/** Lines of a table under its head; numbers stand to the right. */
export const lines = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string | number>>
): ReadonlyArray<string> => {
  const widths = head.map((title, column) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(String(row[column] ?? ""))))
  )
  const line = (cells: ReadonlyArray<string | number>) =>
    cells
      .map((cell, column) => {
        const text = String(cell)
        const space = " ".repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(text)))
        return typeof cell === "number" ? space + text : text + space
      })
      .join("  ")
      .trimEnd()
  return [line(head), ...rows.map(line)]
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
