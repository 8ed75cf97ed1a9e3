/**
 * A table of a page: how many cells it has as a grid, where each row is as wide as the widest.
 */
import type { Element } from "hast"

/** Spans may make a grid so many times larger. */
const mostSpanned = 8

/** Cells of the table's grid. Markdown writes each of them, those that only a span or a longer row asks for included. */
export const grid = (table: Element): number => {
  const rows = rowsOf(table)
  // The header that a table without one is given counts, and the line below it.
  return (rows.length + 2) * columnsOf(rows)
}

/** Takes spans away where they alone make a table much larger. */
export const tame = (table: Element): void => {
  const all = cells(table)
  const before = grid(table)
  const spans = all.map(({ properties: { colSpan, rowSpan } }) => ({ colSpan, rowSpan }))
  for (const { properties } of all) {
    delete properties.colSpan
    delete properties.rowSpan
  }
  if (before > mostSpanned * grid(table)) return
  for (const [index, cell] of all.entries()) Object.assign(cell.properties, spans[index])
}

/** The rows of a table; those of tables within it are not its own. */
const rowsOf = (element: Element): ReadonlyArray<Element> => {
  const rows: Array<Element> = []
  for (const child of element.children) {
    if (child.type !== "element" || child.tagName === "table") continue
    if (child.tagName === "tr") rows.push(child)
    else for (const row of rowsOf(child)) rows.push(row)
  }
  return rows
}

/** The cells of a table in the order of its rows. */
export const cells = (table: Element): ReadonlyArray<Element> => rowsOf(table).flatMap(cellsOf)

/** The elements that make a table: its sections, rows and cells. */
export const parts = (table: Element): ReadonlyArray<Element> => {
  const found: Array<Element> = []
  for (const child of table.children) {
    if (child.type !== "element" || !partNames.has(child.tagName)) continue
    found.push(child)
    for (const part of parts(child)) found.push(part)
  }
  return found
}

const partNames: ReadonlySet<string> = new Set("caption tbody td tfoot th thead tr".split(" "))

const cellsOf = (row: Element): ReadonlyArray<Element> =>
  row.children.filter(
    (child) => child.type === "element" && (child.tagName === "td" || child.tagName === "th")
  ) as Array<Element>

/** The cells of the longest row, with those that reach into it from above. */
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
