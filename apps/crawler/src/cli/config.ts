/**
 * `config print`: the settings of `serve` that are in force.
 */
import * as Console from "effect/Console"
import type { ConfigFlags } from "./commands.ts"
import * as Settings from "./Settings.ts"

export const print = ({ json, ...inForce }: ConfigFlags) => {
  const settings = Settings.shown(inForce)
  if (json) return Console.log(JSON.stringify(settings, undefined, 2))
  const rows = settings.map(({ flag, from, value, variable }) => [flag, variable, from, String(value)])
  return Console.log(lines([["SETTING", "VARIABLE", "FROM", "VALUE"], ...rows]).join("\n"))
}

/** Columns that no terminal's width breaks: names are copied from here. */
const lines = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  )
}
