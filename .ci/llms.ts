// llms.txt: every page of the documentation with one line, for programs that read it in place of a person.
import { globSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { summaryOf, titleOf } from "./pages.ts"

const root = join(import.meta.dirname, "..")
const read = (path: string) => readFileSync(join(root, path), "utf8")

const pathsOf = (...patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync(patterns, { cwd: root, exclude: ["**/node_modules/**"] }).toSorted()

/** A link as Markdown outside of this file would follow it. */
const linkTo = (path: string): string => {
  const text = read(path)
  const summary = summaryOf(text).replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
  return `- [${titleOf(text)}](${path})${summary === "" ? "" : `: ${summary}`}`
}

const descriptionOf = (path: string): string =>
  (JSON.parse(read(join(dirname(path), "package.json"))) as { readonly description?: string }).description ?? ""

const packageOf = (path: string): string => `- [${titleOf(read(path))}](${path}): ${descriptionOf(path)}`

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [`## ${title}`, "", ...lines, ""]

/** Folders of docs with pages of one kind, such as `strategies`. */
const folders = [...new Set(pathsOf("docs/*/*.md").map((path) => basename(dirname(path))))].filter(
  (name) => name !== "decisions"
)

const [, introduction = ""] = /^# .*\n\n([^]*?)\n\n/.exec(read("README.md")) ?? []

export const llms = [
  "# Redrive",
  "",
  ...introduction.split("\n").map((line) => `> ${line}`),
  "",
  'Import modules, not the package: `import * as Retry from "@redrive/retry/Retry"`. All are for Effect 4.1. Each program in these pages is',
  "type-checked, and those that say what they print are run.",
  "",
  ...section("Start", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(linkTo)),
  ...section("Packages", pathsOf("packages/*/README.md").map(packageOf)),
  ...section("Guides", pathsOf("docs/*.md").map(linkTo)),
  ...folders.flatMap((name) =>
    section(name[0]?.toUpperCase() + name.slice(1), pathsOf(`docs/${name}/**/*.md`).map(linkTo))
  ),
  ...section(
    "Types",
    pathsOf("packages/*/api.txt").map((path) => `- [${path}](${path}): every type that the package offers`)
  ),
  ...section(
    "Optional",
    pathsOf("docs/decisions/*.md").map((path) => `- [${titleOf(read(path))}](${path})`)
  )
]
  .join("\n")
  .trimEnd()
  .concat("\n")
