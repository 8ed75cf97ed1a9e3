/**
 * A table, which becomes a list of sheets where the screen is narrow: each cell carries its column's title.
 */
import { html } from "./html.ts"
import type { Child, Node } from "./html.ts"

export interface Column<Row> {
  readonly title: string
  /** `number` stands to the right, `wide` takes the room that is left, `main` heads the sheet on a narrow screen. */
  readonly kind?: "number" | "wide" | "main"
  readonly cell: (row: Row) => Child
}

/** `caption` says what the table has to those who do not see the heading above it. */
export const table = <Row>(
  caption: string,
  rows: ReadonlyArray<Row>,
  key: (row: Row) => string,
  columns: ReadonlyArray<Column<Row>>
): Node =>
  html`<table>
    <caption class="unseen">
      ${caption}
    </caption>
    <thead>
      <tr>
        ${columns.map(({ kind, title }) => html`<th scope="col" class=${kind}>${title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr key=${key(row)}>
            ${columns.map(({ cell, kind, title }) => html`<td class=${kind} data-title=${title}>${cell(row)}</td>`)}
          </tr>`
      )}
    </tbody>
  </table>`
