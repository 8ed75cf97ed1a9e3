/**
 * Runs benchmarks of this tree and of an earlier revision by turns, and compares them: `node against.ts REVISION [core retry log]`.
 *
 * The earlier tree is a worktree in a temporary folder, with its own packages.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { table, write } from "./measure.ts"

const turns = 2

const [revision, ...asked] = process.argv.slice(2)
if (revision === undefined) throw new Error("no revision; usage: node bench/src/against.ts REVISION [core retry log]")
const names = asked.length > 0 ? asked : ["core", "retry", "log"]

const here = join(import.meta.dirname, "../..")
const folder = mkdtempSync(join(tmpdir(), "bench-against-"))
const before = join(folder, "before")

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })

/** What one run found of one way to do one thing. */
interface Row {
  readonly path: string
  readonly name: string
  readonly wall: number
  readonly cpu: number
  readonly bytes: number
}

/** Runs one benchmark of a tree, which writes its table, and reads that. */
const rowsOf = (tree: string, name: string): ReadonlyArray<Row> => {
  run(tree, process.execPath, "--disable-warning=ExperimentalWarning", `bench/src/${name}.ts`)
  const lines = readFileSync(join(tree, `bench/results/${name}.md`), "utf8").split("\n")
  return lines
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => {
      const [path = "", what = "", wall, cpu, , bytes] = line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1)
      return { path, name: what, wall: Number(wall), cpu: Number(cpu), bytes: Number(bytes) }
    })
}

/** The best of several runs of each row. */
const best = (runs: ReadonlyArray<ReadonlyArray<Row>>): ReadonlyMap<string, Row> => {
  const rows = new Map<string, Row>()
  for (const row of runs.flat()) {
    const key = `${row.path}: ${row.name}`
    const known = rows.get(key)
    const [wall, cpu] = [Math.min(row.wall, known?.wall ?? Infinity), Math.min(row.cpu, known?.cpu ?? Infinity)]
    rows.set(key, { ...row, wall, cpu })
  }
  return rows
}

const ratio = (now: number, then: number | undefined): string => {
  const times = now / (then ?? NaN)
  return Number.isFinite(times) ? times.toFixed(2) : ""
}

try {
  run(here, "git", "worktree", "add", "--detach", before, revision)
  run(before, "npx", "-y", "pnpm@12.21.0", "install", "--frozen-lockfile", "--prefer-offline")
  const rows = names.flatMap((name) => {
    const [then, now]: [Array<ReadonlyArray<Row>>, Array<ReadonlyArray<Row>>] = [[], []]
    for (let turn = 0; turn < turns; turn++) {
      process.stderr.write(`${name}: turn ${turn + 1} of ${turns}\n`)
      then.push(rowsOf(before, name))
      now.push(rowsOf(here, name))
    }
    const known = best(then)
    return [...best(now)].map(([key, { bytes, cpu, name: what, path, wall }]) => {
      const old = known.get(key)
      return [path, what, String(wall), ratio(wall, old?.wall), ratio(cpu, old?.cpu), ratio(bytes, old?.bytes)]
    })
  })
  const commit = run(here, "git", "rev-parse", "--short", revision).trim()
  write(
    "against.md",
    "Against the build before",
    `the best of ${turns} runs of each benchmark, by turns with those of ${commit}. Ratios are to that revision; a row without them is new. Peers and bare effects show how far the ratios can be trusted.`,
    table(["path", "what", "wall ns now", "wall", "CPU", "bytes"], 2, rows)
  )
} finally {
  run(here, "git", "worktree", "remove", "--force", before)
  rmSync(folder, { recursive: true, force: true })
}
