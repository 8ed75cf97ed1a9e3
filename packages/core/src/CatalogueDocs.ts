/**
 * Writes the documentation of a catalogue as Markdown: each code with its meaning, an example and its row.
 *
 * It is generated from the catalogue alone, so it cannot contradict the program. The headings' anchors are those of `Catalogue.anchor`. Use
 * it in a build script; programs do not need it at run time.
 *
 * @since 0.1.0
 */
import * as Catalogue from "./Catalogue.ts"
import { format } from "./internal/verdict.ts"

type MeaningsOf<C extends Catalogue.Catalogue, L extends Catalogue.Level> = {
  readonly [Code in keyof C[L]]: { readonly [Detail in keyof C[L][Code]["details"]]: string }
}

/** The levels that have codes. */
type Used<C extends Catalogue.Catalogue> = {
  readonly [L in Catalogue.Level]: [keyof C[L]] extends [never] ? never : L
}[Catalogue.Level]

/**
 * A sentence about each detail of a catalogue. A level without codes may be left out.
 *
 * @category models
 * @since 0.1.0
 */
export type Meanings<C extends Catalogue.Catalogue = Catalogue.Catalogue> = {
  readonly [L in Used<C>]: MeaningsOf<C, L>
} & { readonly [L in Catalogue.Level]?: MeaningsOf<C, L> }

/**
 * The parts of the page that do not come from the catalogue.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<C extends Catalogue.Catalogue = Catalogue.Catalogue> {
  /** A sentence about each detail. Default: none. */
  readonly meanings?: Meanings<C> | undefined
  /** The heading of the page. Default: `Errors`. */
  readonly title?: string | undefined
  /** A text below the heading. Default: none. */
  readonly preface?: string | undefined
  /** The example of a code as JSON. Default: its envelope. */
  readonly example?: ((level: Catalogue.Level, code: string, entry: Catalogue.Entry) => unknown) | undefined
  /** An introduction for each level. Default: a sentence about the level. */
  readonly levels?: { readonly [Level in Catalogue.Level]?: string } | undefined
}

/**
 * Writes a page of Markdown: each level that has codes, every code with its example, and its details in a table.
 *
 * @category formatting
 * @since 0.1.0
 */
export const markdown = <C extends Catalogue.Catalogue>(catalogue: C, options: Options<C> = {}): string => {
  const { preface, title = "Errors" } = options
  const parts = [
    `# ${title}`,
    preface,
    overview(catalogue),
    ...levels
      .filter((level) => Object.keys(catalogue[level]).length > 0)
      .map((level) => section(catalogue, level, options))
  ]
  return `${parts.filter((part) => part !== undefined).join("\n\n")}\n`
}

const levels: ReadonlyArray<Catalogue.Level> = ["job", "item"]

const introductions = {
  job: "The job failed to run.",
  item: "One item of a job failed; the others, and the job, may be fine."
}

/** An overview with every code on a line. */
const overview = (catalogue: Catalogue.Catalogue): string =>
  table(
    ["Level", "Code", "Meaning", "Retry", "Who acts"],
    levels.flatMap((level) =>
      Object.entries(catalogue[level]).map(([code, { actor, details, meaning, verdict }]) => [
        level,
        `[\`${code}\`](#${Catalogue.anchor(level, code)})`,
        meaning,
        several([verdict, ...Object.values(details).map((detail) => detail.verdict)].map((one) => retryOf(one))),
        several([actor, ...Object.values(details).map((detail) => detail.actor)])
      ])
    )
  )

const section = (catalogue: Catalogue.Catalogue, level: Catalogue.Level, options: Options): string => {
  const heading = `## ${level === "job" ? "Job" : "Item"} level\n\n${options.levels?.[level] ?? introductions[level]}`
  const codes = Object.entries(catalogue[level]).map(([code, entry]) => article(level, code, entry, options))
  return [heading, ...codes].join("\n\n")
}

const article = (
  level: Catalogue.Level,
  code: string,
  entry: Catalogue.Entry,
  { example = envelope, meanings }: Options
): string => {
  const { actor, details, meaning, severity, status, verdict } = entry
  const merits = table(
    ["HTTP status", "Retry", "Severity", "Who acts"],
    [[String(status), format(verdict), severity, actor]]
  )
  const shown = `\`\`\`json\n${JSON.stringify(example(level, code, entry), undefined, 2)}\n\`\`\``
  const refined = Object.keys(details).length === 0 ? [] : [detailsOf(entry, meanings?.[level]?.[code] ?? {})]
  return [`### ${level}: ${code}`, meaning, merits, shown, ...refined].join("\n\n")
}

const envelope = (_level: Catalogue.Level, code: string, { message }: Catalogue.Entry) => ({
  error_code: code,
  error_message: message
})

/** The details of a code as a table, with the columns that any of them needs. */
const detailsOf = ({ details }: Catalogue.Entry, meanings: { readonly [detail: string]: string }): string => {
  const rows = Object.entries(details)
  const columns: ReadonlyArray<readonly [title: string, cell: (name: string, detail: Catalogue.Detail) => string]> = [
    ["Detail", (name) => `\`${name}\``],
    ["Meaning", (name) => meanings[name] ?? ""],
    ["Page status", (_, { pages = [] }) => pages.join(", ")],
    ["HTTP status", (_, { status = "" }) => String(status)],
    ["Request", (_, { request = "" }) => request],
    ["Retry", (_, { verdict }) => format(verdict)],
    ["Severity", (_, { severity }) => severity],
    ["Who acts", (_, { actor }) => actor],
    ["Extended code", (_, { extended }) => (extended === undefined ? "" : `\`${extended}\``)]
  ]
  const used = columns.filter(([, cell]) => rows.some(([name, detail]) => cell(name, detail) !== ""))
  return table(
    used.map(([title]) => title),
    rows.map(([name, detail]) => used.map(([, cell]) => cell(name, detail)))
  )
}

const retryOf = (verdict: Parameters<typeof format>[0]): string => {
  switch (verdict._tag) {
    case "Transient":
    case "Throttled":
      return "yes"
    case "Parked":
      return `after: ${verdict.until}`
    case "Permanent":
      return "no"
  }
}

/** A value that all details share, or `by detail` if they differ. */
const several = (values: ReadonlyArray<string>): string => {
  const [first = "", ...others] = [...new Set(values)]
  return others.length === 0 ? first : "by detail"
}

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  const [titles = [], ...body] = cells
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}
