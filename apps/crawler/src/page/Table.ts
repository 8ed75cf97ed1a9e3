/**
 * The grid of a page's table, in which every row is as wide as the widest.
 */
import type { Element } from "hast"

/** A grid may have at most this many times the cells and rows that the page wrote. */
const mostFilled = 8

/** The number of cells in a table's grid. Markdown writes each of them, including those that only a span or a longer row adds. */
export const grid = (table: Element): number => {
  const rows = rowsOf(table)
  // Plus the header, which a table without one gets, and the line below it.
  return (rows.length + 2) * columnsOf(rows)
}

/** Removes spans if they alone make a table huge; a table that is huge without them becomes blocks of text. */
export const tame = (table: Element): void => {
  const rows = rowsOf(table)
  const cells = rows.flatMap(cellsOf)
  const most = mostFilled * (rows.length + 2 + cells.length)
  if (grid(table) <= most) return
  for (const { properties } of cells) {
    delete properties.colSpan
    delete properties.rowSpan
  }
  if (grid(table) <= most) return
  for (const part of [table, ...rows, ...cells]) part.tagName = "div"
}

/** The rows of a table, without those of nested tables. */
const rowsOf = (element: Element): ReadonlyArray<Element> => {
  const rows: Array<Element> = []
  for (const child of element.children) {
    if (child.type !== "element" || child.tagName === "table") continue
    if (child.tagName === "tr") rows.push(child)
    else for (const row of rowsOf(child)) rows.push(row)
  }
  return rows
}

const cellsOf = (row: Element): ReadonlyArray<Element> =>
  row.children.filter(
    (child) => child.type === "element" && (child.tagName === "td" || child.tagName === "th")
  ) as Array<Element>

/** The number of cells in the longest row, including those that reach into it from above. */
const columnsOf = (rows: ReadonlyArray<Element>): number => {
  const ends = new Map<number, number>()
  let carried = 0
  let columns = 1
  for (const [index, row] of rows.entries()) {
    carried -= ends.get(index) ?? 0
    let width = 0
    let reaching = 0
    for (const { properties } of cellsOf(row)) {
      const span = spanOf(properties.colSpan)
      const end = index + spanOf(properties.rowSpan)
      width += span
      if (end <= index + 1) continue
      reaching += span
      ends.set(end, (ends.get(end) ?? 0) + span)
    }
    columns = Math.max(columns, width + carried)
    carried += reaching
  }
  return columns
}

const spanOf = (value: unknown): number => Math.max(1, Number.parseInt(String(value), 10) || 1)
