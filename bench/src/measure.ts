import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { setImmediate } from "node:timers/promises"
import { join } from "node:path"
import process from "node:process"
import { Bench } from "tinybench"

/**
 * Something to measure: one of the ways (`name`) to do one thing (`path`). `run` does it `times` times; the first way of a thing is
 * what the others are compared with. `bytes` says whether to measure what it allocates.
 */
export interface Task {
  readonly path: string
  readonly name: string
  readonly run: () => unknown
  readonly times?: number
  readonly bytes?: boolean
}

const rounds = 9

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/** What a round found: nanoseconds of one call by the clock, and of all threads of the process. */
interface Round {
  readonly wall: number
  readonly cpu: number
}

const roundOf = async ({ name, run, times = 1 }: Task): Promise<Round> => {
  const bench = new Bench({ time: 100, iterations: 10, warmupTime: 20, warmupIterations: 3 }).add(name, run)
  const [task] = await bench.run()
  if (task?.result.state !== "completed") throw new Error(`${name} did not complete`)
  const { p50 } = task.result.latency
  const calls = Math.max(3, Math.ceil(50 / p50))
  const before = process.cpuUsage()
  for (let call = 0; call < calls; call++) {
    const result = run()
    if (result instanceof Promise) await result
  }
  const { system, user } = process.cpuUsage(before)
  return { wall: (p50 / times) * 1_000_000, cpu: ((system + user) * 1000) / calls / times }
}

/** Bytes that one call allocates, while the collector has no reason to run. */
const bytesOf = async ({ run, times = 1 }: Task): Promise<number> => {
  const samples: Array<number> = []
  // A thousand lines of a log allocate up to 25 MB: ten times that is more than there is room for.
  const together = times < 1000 ? 10 : 1
  for (const _ of Array.from({ length: 5 })) {
    globalThis.gc?.()
    await setImmediate()
    const before = process.memoryUsage().heapUsed
    let calls = 0
    while (calls < Math.max(10, 1000 / times) && process.memoryUsage().heapUsed - before < 50_000_000) {
      for (let call = 0; call < together; call++) {
        const result = run()
        if (result instanceof Promise) await result
      }
      calls += together
    }
    samples.push((process.memoryUsage().heapUsed - before) / calls / times)
  }
  return median(samples)
}

/** A young generation so large that the collector has no reason to run, which would make all of it slow: so not where time is measured. */
const large = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"]

/** What a task allocates. */
export interface Allocated extends Pick<Task, "path" | "name"> {
  /** `undefined` where that is not asked. */
  readonly bytes?: number
}

/** The bytes that the tasks of a file allocate, measured by a process of its own: all of them, or those with one of these names. */
export const allocated = (
  file: string,
  flags: ReadonlyArray<string> = [],
  names: ReadonlyArray<string> = []
): ReadonlyArray<Allocated> =>
  JSON.parse(execFileSync(process.execPath, [...large, ...flags, file, "--bytes", ...names], { encoding: "utf8" }))

const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`

/** A table for people, with its numbers to the right of the first columns. */
export const table = (head: ReadonlyArray<string>, texts: number, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [line(head), line(head.map((_, column) => (column < texts ? "---" : "---:"))), ...rows.map(line)].join("\n")

/** Writes results/`file`: what was measured, where and when. */
export const write = (file: string, title: string, how: string, body: string): void => {
  const where = `Node.js ${process.version}, ${process.platform} ${process.arch}, ${new Date().toISOString().slice(0, 10)}`
  const page = `# ${title}\n\n${where}; ${how}\n\n${body}\n`
  writeFileSync(join(import.meta.dirname, "../results", file), page)
  console.log(page)
}

/** Measures tasks in interleaved rounds, so that a slow moment of the machine hits all alike, and writes results/`file`. */
export const report = async (file: string, title: string, tasks: ReadonlyArray<Task>): Promise<void> => {
  if (process.argv.includes("--bytes")) {
    const only = process.argv.slice(process.argv.indexOf("--bytes") + 1)
    const all: Array<Allocated> = []
    for (const task of tasks) {
      const { name, path } = task
      const isAsked = task.bytes === true && (only.length === 0 || only.includes(name))
      all.push({ path, name, ...(isAsked && { bytes: await bytesOf(task) }) })
    }
    console.log(JSON.stringify(all))
    return
  }
  const measured = tasks.map(() => Array<Round>())
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`${title}: round ${round + 1} of ${rounds}\r`)
    for (const [index, task] of tasks.entries()) measured[index]?.push(await roundOf(task))
  }
  const bytes = tasks.some((task) => task.bytes) ? allocated(process.argv[1] ?? "") : undefined
  const wallOf = (index: number) => Math.min(...(measured[index] ?? []).map(({ wall }) => wall))
  const cpuOf = (index: number) => median((measured[index] ?? []).map(({ cpu }) => cpu))
  const rows = tasks.map(({ name, path }, index) => {
    const base = tasks.findIndex((task) => task.path === path)
    const nanos = [wallOf(index), cpuOf(index)].map((value) => String(Math.round(value)))
    const ratio = (wallOf(index) / wallOf(base)).toFixed(1)
    return [path, name, ...nanos, ratio, ...(bytes === undefined ? [] : [roundedOf(bytes[index]?.bytes)])]
  })
  const head = ["path", "what", "wall ns", "CPU ns", "ratio", ...(bytes === undefined ? [] : ["bytes"])]
  const how = `${rounds} interleaved rounds. Of one call: wall is the best round's median, CPU the median round's mean; ratio is wall to the path's first.`
  write(file, title, how, table(head, 2, rows))
}

const roundedOf = (bytes: number | undefined): string => (bytes === undefined ? "" : String(Math.round(bytes)))
