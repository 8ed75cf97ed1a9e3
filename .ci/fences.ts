/**
 * Type-checks every TypeScript fence of the documentation, and runs those that say what they print: `console.log(x) // => text`. With arguments, only
 * documents whose paths contain one of them.
 */
import { execFileSync } from "node:child_process"
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"

const root = join(import.meta.dirname, "..")
// A package of its own depends on all that the programs import.
const home = join(root, "docs")
const folder = join(home, ".fences")

const documents = ["*.md", "docs/**/*.md", "packages/*/README.md", "apps/*/README.md", "bench/README.md"]

interface Fence {
  readonly name: string
  readonly file: string
  readonly code: string
}

const wanted = process.argv.slice(2)
const isWanted = (path: string): boolean => wanted.length === 0 || wanted.some((part) => path.includes(part))

const fences = globSync(documents, { cwd: root, exclude: ["**/node_modules/**"] })
  .filter(isWanted)
  .flatMap((path): ReadonlyArray<Fence> => {
    const text = readFileSync(join(root, path), "utf8")
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = ""], index) => {
      const name = `${path} #${index + 1}`
      return { name, file: join(folder, `${name.replace(/\W+/g, "-")}.ts`), code }
    })
  })

/** The text after each `// =>`, in order. */
const promised = ({ code }: Fence): ReadonlyArray<string> =>
  [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, text = ""]) => text.trim())

const run = ({ file }: Fence): ReadonlyArray<string> =>
  execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
    encoding: "utf8",
    cwd: home,
    timeout: 60_000
  })
    .trim()
    .split("\n")

const failures: Array<string> = []
mkdirSync(folder, { recursive: true })
try {
  for (const { code, file } of fences) writeFileSync(file, code)
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../tsconfig.json", include: ["*.ts"] }))
  try {
    execFileSync("tsc", ["-p", folder], { stdio: "inherit" })
  } catch {
    failures.push("a program does not type-check")
  }
  for (const fence of fences) {
    const expected = promised(fence)
    if (expected.length === 0) continue
    const printed = run(fence)
    if (printed.join("\n") === expected.join("\n")) continue
    failures.push(`${fence.name} prints\n  ${printed.join("\n  ")}\nand promises\n  ${expected.join("\n  ")}`)
  }
} finally {
  rmSync(folder, { recursive: true })
}

for (const failure of failures) console.error(failure)
console.log(`${fences.length} programs, ${failures.length} wrong`)
process.exitCode = failures.length > 0 ? 1 : 0
