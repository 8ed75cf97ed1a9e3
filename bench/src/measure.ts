import { setImmediate } from "node:timers/promises"
import { writeFileSync } from "node:fs"
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

/** Nanoseconds of one call, by the clock. */
const nanosOf = async ({ name, run, times = 1 }: Task): Promise<number> => {
  const bench = new Bench({ time: 100, iterations: 10, warmupTime: 20, warmupIterations: 3 }).add(name, run)
  const [task] = await bench.run()
  if (task?.result.state !== "completed") throw new Error(`${name} did not complete`)
  return (task.result.latency.p50 / times) * 1_000_000
}

/** Bytes that one call allocates, while the collector has no reason to run: the young generation is large (see package.json). */
const bytesOf = async ({ run, times = 1 }: Task): Promise<number> => {
  const samples: Array<number> = []
  for (const _ of Array.from({ length: 5 })) {
    globalThis.gc?.()
    await setImmediate()
    const before = process.memoryUsage().heapUsed
    let calls = 0
    while (calls < Math.max(10, 1000 / times) && process.memoryUsage().heapUsed - before < 50_000_000) {
      for (let call = 0; call < 10; call++) {
        const result = run()
        if (result instanceof Promise) await result
      }
      calls += 10
    }
    samples.push((process.memoryUsage().heapUsed - before) / calls / times)
  }
  return median(samples)
}

const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`

/** Measures tasks in interleaved rounds, so that a slow moment of the machine hits all alike, and writes results/`file`. */
export const report = async (file: string, title: string, tasks: ReadonlyArray<Task>): Promise<void> => {
  const measured = tasks.map(() => Array<number>())
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`${title}: round ${round + 1} of ${rounds}\r`)
    for (const [index, task] of tasks.entries()) measured[index]?.push(await nanosOf(task))
  }
  const withBytes = tasks.some(({ bytes }) => bytes)
  const rows: Array<ReadonlyArray<string>> = []
  for (const [index, task] of tasks.entries()) {
    const base = tasks.findIndex(({ path }) => path === task.path)
    const nanos = median(measured[index] ?? [])
    const ratio = (nanos / median(measured[base] ?? [])).toFixed(1)
    const bytes = task.bytes === true ? String(Math.round(await bytesOf(task))) : ""
    rows.push([task.path, task.name, String(Math.round(nanos)), ratio, ...(withBytes ? [bytes] : [])])
  }
  const head = ["path", "what", "ns per call", "ratio to the first", ...(withBytes ? ["bytes per call"] : [])]
  const page = [
    `# ${title}`,
    "",
    `Node.js ${process.version}, ${process.platform} ${process.arch}, ${new Date().toISOString().slice(0, 10)}; ${rounds} interleaved rounds, medians.`,
    "",
    line(head),
    line(head.map((_, column) => (column < 2 ? "---" : "---:"))),
    ...rows.map(line),
    ""
  ].join("\n")
  writeFileSync(join(import.meta.dirname, "../results", file), page)
  console.log(page)
}
