/**
 * A table, which becomes a list of sheets where the screen is narrow: each cell carries its column's title.
 */
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"

export interface Column<Row> {
  readonly title: string
  /**
   * `number` stands to the right, and `wide` takes the room that is left. On a narrow screen `main` heads the sheet, and `wide` and `full` have a line of
   * their own.
   */
  readonly kind?: "number" | "wide" | "full" | "main"
  readonly cell: (row: Row) => Child
}

/** Rows below a heading of their own. */
export interface Group<Row> {
  readonly name: string
  readonly heading: Child
  readonly rows: ReadonlyArray<Row>
}

/** `caption` says what the table has to those who do not see the heading above it. */
export const table = <Row>(
  caption: string,
  rows: ReadonlyArray<Row>,
  key: (row: Row) => string,
  columns: ReadonlyArray<Column<Row>>
): Node => grouped(caption, [{ name: "", heading: "", rows }], key, columns)

/** One table of several groups, so that their columns stand below each other. Where it is too wide for its words it scrolls. */
export const grouped = <Row>(
  caption: string,
  groups: ReadonlyArray<Group<Row>>,
  key: (row: Row) => string,
  columns: ReadonlyArray<Column<Row>>
): Node =>
  html`<div class="scroll" tabindex="0" role="group" aria-label=${caption}>
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ kind, title }) =>
            title === "" ? html`<td></td>` : html`<th scope="col" class=${kind}>${title}</th>`
          )}
        </tr>
      </thead>
      ${groups.map(
        ({ heading, name, rows }) =>
          html`<tbody key=${name}>
            ${
              name !== "" &&
              html`<tr class="group">
                <th scope="rowgroup" colspan=${columns.length}>${heading}</th>
              </tr>`
            }
            ${rows.map(
              (row) =>
                html`<tr key=${key(row)}>
                  ${columns.map(({ cell, kind, title }) => html`<td class=${kind} data-title=${title}>${cell(row)}</td>`)}
                </tr>`
            )}
          </tbody>`
      )}
    </table>
  </div>`
