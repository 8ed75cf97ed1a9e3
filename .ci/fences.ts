/**
 * Type-checks every TypeScript fence of the documentation, and runs those that say what they print: `console.log(x) // => text`, where `…` stands
 * for any text. Every public module must be in one of them. With words, checks only the programs whose document's path has one of the words.
 */
import { execFile, execFileSync } from "node:child_process"
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { promisify } from "node:util"
import { unused } from "./fences-imports.ts"
import { isKept, promised } from "./promises.ts"

const root = join(import.meta.dirname, "..")
// Its package.json depends on everything that a program of the documentation imports.
const workspace = join(root, "docs")
const folder = join(workspace, ".fences")

const documents = ["*.md", "docs/**/*.md", "packages/*/README.md", "apps/*/README.md", "bench/README.md"]

interface Fence {
  readonly name: string
  readonly file: string
  readonly code: string
}

const all = globSync(documents, { cwd: root, exclude: ["**/node_modules/**"] }).flatMap(
  (path): ReadonlyArray<Fence> => {
    const text = readFileSync(join(root, path), "utf8")
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = ""], index) => {
      const name = `${path} #${index + 1}`
      return { name, file: join(folder, `${name.replace(/\W+/g, "-")}.ts`), code }
    })
  }
)
const words = process.argv.slice(2)
const fences = all.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))

/** What Node.js has compiled for one program, mostly Effect, it need not compile for the next. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node") }

/** What is wrong with a program: it fails, does not end, or prints something else than it says. */
const wrong = async (fence: Fence): Promise<string | undefined> => {
  const args = ["--disable-warning=ExperimentalWarning", fence.file]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env, timeout: 60_000 })
    const promises = promised(fence.code)
    if (isKept(promises, stdout)) return undefined
    return `${fence.name} prints\n${stdout.trim()}\nand promises\n${promises.join("\n")}`
  } catch (error) {
    return `${fence.name} fails: ${String(error)}`
  }
}

/** Runs the programs, as many at once as there are processors. */
const run = async (programs: ReadonlyArray<Fence>): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  const waiting = [...programs]
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const failure = await wrong(next)
      if (failure !== undefined) failures.push(failure)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
  return failures
}

const typed = (): ReadonlyArray<string> => {
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../tsconfig.json", include: ["*.ts"] }))
  try {
    execFileSync("tsc", ["-p", folder], { stdio: "inherit" })
    return []
  } catch {
    return ["a program does not type-check"]
  }
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
const failures: Array<string> = []
try {
  for (const { code, file } of fences) writeFileSync(file, code)
  failures.push(...typed(), ...(await run(fences.filter(({ code }) => promised(code).length > 0))))
} finally {
  rmSync(folder, { recursive: true })
}
if (words.length === 0) {
  const programs = fences.map(({ code }) => code)
  failures.push(...unused(root, workspace, programs))
}

for (const failure of failures) console.error(failure)
console.log(`${fences.length} programs, ${failures.length} wrong`)
process.exitCode = failures.length > 0 ? 1 : 0
