// Checks that the links to sources lead to files, and that every module has some.
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"

const root = join(import.meta.dirname, "..")
const pages = globSync("dist/{classes,functions,interfaces,types,variables}/*.html", { cwd: import.meta.dirname })
const linked = new Set(
  pages.flatMap((page) =>
    [
      ...readFileSync(join(import.meta.dirname, page), "utf8").matchAll(
        /href="https:[^"]*\/blob\/main\/([^"#]*)#L\d+"/g
      )
    ].map(([, path]) => path)
  )
)
const modules = globSync("packages/*/src/*.ts", { cwd: root, exclude: ["**/index.ts"] })
const wrong = [
  ...[...linked].filter((path) => !existsSync(join(root, path))).map((path) => `${path}: linked to, and not there`),
  ...modules.filter((path) => !linked.has(path)).map((path) => `${path}: no link leads to it`)
]
for (const line of wrong) console.error(line)
console.log(`${pages.length} pages, links to ${linked.size} files, ${wrong.length} wrong`)
if (wrong.length > 0) process.exitCode = 1
