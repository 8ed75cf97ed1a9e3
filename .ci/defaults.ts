/** Compares the defaults in a README's tables of options with the sentences of the options. */

/** An option's path, and the text of its comment. */
interface Option {
  readonly name: string
  readonly doc: string
  readonly isOptional: boolean
}

const units: { readonly [short: string]: string } = { ms: "milli", millisecond: "milli", s: "second" }

/** The numbers of a text with their units, and the text itself if it is a word in code: what can be compared however the rest is worded. */
const factsOf = (text: string): ReadonlyArray<string> => [
  ...(/^`[^`]+`$/.exec(text) ?? []),
  ...[...text.matchAll(/(?<![\w`.(])(\d[\d_,]*(?:\.\d+)?)(?!\d|\)|\.\d)(?: (\w+))?/g)].map(
    ([, number = "", unit = ""]) => {
      const known = /^(ms|s|[KM]iB|milli(?:second)?s?|(?:second|minute|hour|day)s?)$/.test(unit)
      const one = unit.replace(/s$/, "")
      return `${number.replaceAll(/[_,]/g, "")} ${known ? (units[unit] ?? units[one] ?? one) : ""}`.trim()
    }
  )
]

const defaultOf = (doc: string): string => /\bDefaults?: (.*)$/.exec(doc)?.[1] ?? ""

/** What contradicts a cell, or nothing. */
const contradiction = (cell: string, { doc, isOptional }: Option): string | undefined => {
  if (cell === "required") return isOptional ? "is optional" : undefined
  const written = defaultOf(doc)
  if (written === "" && !/\bno default\b/i.test(doc)) return "names none in its comment"
  const code = [...written.matchAll(/`[^`]+`/g)].map(([word]) => word)
  const known = [...factsOf(written), ...code]
  const given = cell === "none" ? [] : factsOf(cell)
  const isOdd = given.some((fact) => !known.includes(fact)) || (cell === "none" && factsOf(written).length > 0)
  return isOdd ? `says in its comment: ${written}` : undefined
}

/** `line: option: what is wrong` for each row of a table whose last column is `default`. */
export const wrongDefaults = (readme: string, options: ReadonlyArray<Option>): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  let isTable = false
  for (const [index, line] of readme.split("\n").entries()) {
    const cells = line.startsWith("|")
      ? line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim())
      : []
    if (cells.length === 0) isTable = false
    else if (cells.at(-1) === "default") isTable = true
    else if (isTable && !/^-+$/.test(cells[0] ?? "")) {
      const name = cells[0]?.replaceAll("`", "") ?? ""
      const cell = cells.at(-1) ?? ""
      const same = options.filter((option) => option.name.endsWith(`.${name}`))
      const said = same.map((option) => contradiction(cell, option))
      if (said.length === 0) wrong.push(`${index + 1} ${name}: no option has this name`)
      else if (!said.includes(undefined)) wrong.push(`${index + 1} ${name}: \`${cell}\`, but the option ${said[0]}`)
    }
  }
  return wrong
}
