/**
 * What an editor shows for a name: finds the exports, the fields of options, schemas and models that have no sentence of their own,
 * and the options whose sentence does not name the default; then compares the defaults of the READMEs' tables with those sentences.
 * A module may hand on types of a `model.ts` in its `internal/`, so that is read too.
 * `hover.ts [FOLDER]` looks at the packages in a folder.
 */
import { globSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import process from "node:process"
import { wrongDefaults } from "./defaults.ts"
import { type Named, namesOf } from "./names.ts"

const namesDefault = (doc: string): boolean => /\bDefaults?: \S|\bNo default\b/i.test(doc)

const folder = process.argv[2] ?? join(import.meta.dirname, "../packages")
const missing: Array<string> = []
const counts = new Map<string, number>()
for (const directory of globSync("*/", { cwd: folder }).toSorted()) {
  const own: Array<string> = []
  const options: Array<Named> = []
  for (const file of globSync(["src/*.ts", "src/internal/**/model.ts"], {
    cwd: join(folder, directory),
    exclude: ["src/index.ts"]
  }).toSorted()) {
    const path = join(folder, directory, file)
    const source = readFileSync(path, "utf8")
    for (const named of namesOf(path, source)) {
      const line = source.slice(0, named.at).split("\n").length
      const where = `${relative(process.cwd(), path)}:${line} ${named.name}`
      if (named.doc === "") own.push(`${where}: no sentence`)
      else if (named.isOption && named.isOptional && !namesDefault(named.doc)) own.push(`${where}: no default`)
      if (named.name.includes(".")) options.push(named)
    }
  }
  const readme = join(folder, directory, "README.md")
  own.push(
    ...wrongDefaults(readFileSync(readme, "utf8"), options).map((what) => `${relative(process.cwd(), readme)}:${what}`)
  )
  counts.set(directory, own.length)
  missing.push(...own)
}
for (const line of missing) console.error(line)
for (const [name, count] of counts) console.log(`${name}: ${count} missing`)
if (missing.length > 0) process.exitCode = 1
