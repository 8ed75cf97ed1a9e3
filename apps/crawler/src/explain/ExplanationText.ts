/**
 * An explanation for a terminal.
 */
import * as Columns from "../cli/Table.ts"
import { type Explanation, warned } from "./Explanation.ts"
import * as tables from "./tables.ts"

/** A paragraph in lines of the terminal's width. */
const wrapped = (text: string, width?: number): ReadonlyArray<string> =>
  Columns.lines(["", ""], [["", text]], width).slice(1)

const headed = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", title, ...lines]

/** The explanation in lines; `width` is in columns (that of the terminal). */
export const lines = (self: Explanation, width?: number): ReadonlyArray<string> => {
  const table = ({ head, rows }: tables.Table) =>
    rows.length === 0
      ? []
      : Columns.lines(
          ["", ...head],
          rows.map((row) => ["", ...row]),
          width
        )
  const notes = (texts: ReadonlyArray<string>) => texts.flatMap((text) => wrapped(text, width))
  const more = self.moreOverrides > 0 ? [`${self.moreOverrides} more are not shown.`] : []
  return [
    `${self.name}: ${warned(self)}`,
    ...notes(tables.summary(self)),
    ...headed(
      "WARNINGS",
      self.warnings.length === 0
        ? []
        : Columns.lines(
            ["", "", ""],
            self.warnings.map(({ text }) => ["", "-", text]),
            width
          ).slice(1)
    ),
    ...headed("SETTINGS", notes(self.settings)),
    ...headed("DELAYS of a call whose attempts fail at once", [
      ...table(tables.delays(self)),
      ...notes(tables.delayNotes(self))
    ]),
    ...headed("OVERRIDES", [...table(tables.overrides(self)), ...notes(more)]),
    ...headed("WORST CASE of one call", [...table(tables.worst(self)), ...notes(tables.worstNotes(self))]),
    ...headed("OUTAGE", [...notes(tables.outageNotes(self)), ...table(tables.outage(self))])
  ]
}
