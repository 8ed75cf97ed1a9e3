/**
 * How long it takes until a task runs again whose process was killed: `durable-takeover.ts [URL]` measures PostgreSQL, too, if it gets the URL of a
 * server.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import { table, write } from "./measure.ts"

const fixture = join(import.meta.dirname, "../../clients/test/fixtures/runner.ts")

interface Life {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  readonly begun: Promise<number>
}

/** A worker in a process of its own. */
const life = (kind: string, target: string, options: Readonly<Record<string, number>>): Life => {
  const args = ["--disable-warning=ExperimentalWarning", fixture, kind, target, JSON.stringify(options)]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<void>((resolve) => lines.on("line", (line) => line === "ready" && resolve()))
  const begun = new Promise<number>((resolve) =>
    lines.on("line", (line) => line.startsWith("begun") && resolve(performance.now()))
  )
  return { child, ready, begun }
}

const kill = ({ child }: Life) =>
  new Promise<number>((resolve) => {
    child.once("exit", () => resolve(performance.now()))
    child.kill("SIGKILL")
  })

const forever = 600_000

/** From the kill of the only process until its successor, which is started at once, runs the task. */
const restarted = async (kind: string, target: string, options: Readonly<Record<string, number>>) => {
  const first = life(kind, target, { ...options, takes: forever, adds: 1 })
  await first.begun
  const killed = await kill(first)
  const second = life(kind, target, { ...options, takes: 0 })
  const time = (await second.begun) - killed
  await kill(second)
  return time
}

/** From the kill of a process until another one, which runs already, runs its task. */
const takenOver = async (kind: string, target: string, options: Readonly<Record<string, number>>) => {
  const first = life(kind, target, { ...options, takes: forever, adds: 1 })
  await first.begun
  const second = life(kind, target, { ...options, takes: 0 })
  await second.ready
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 2000))
  const killed = await kill(first)
  const time = (await second.begun) - killed
  await kill(second)
  return time
}

const rows: Array<ReadonlyArray<string>> = []

const measure = async (what: string, rounds: number, once: () => Promise<number>) => {
  const times: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    times.push(await once())
    process.stderr.write(`${what}: ${round + 1} of ${rounds}\r`)
  }
  times.sort((one, other) => one - other)
  const at = (part: number) => ((times[Math.ceil(times.length * part) - 1] ?? NaN) / 1000).toFixed(2)
  rows.push([what, String(rounds), at(0.5), at(0.95), at(1)])
}

const inFile = async (once: (target: string) => Promise<number>) => {
  const folder = mkdtempSync(join(tmpdir(), "durable-takeover-"))
  try {
    return await once(join(folder, "tasks.db"))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const poll = 500
await measure("SQLite, started again, a lease of 30 s", 20, () =>
  inFile((target) => restarted("sqlite", target, { poll }))
)
await measure("SQLite, a second process, a lease of 5 s", 12, () =>
  inFile((target) => takenOver("sqlite", target, { poll, lease: 5000 }))
)
const url = process.argv[2]
if (url !== undefined)
  await measure("PostgreSQL, a second process, a lease of 5 s", 12, () =>
    takenOver("postgres", url, { poll, lease: 5000 })
  )

write(
  "durable-takeover.md",
  "Tasks of a killed process",
  "seconds from SIGKILL until the task runs in another process, whose start is within the time where it is started again.",
  table(["what", "kills", "p50", "p95", "most"], 1, rows)
)
