/** One run of one contestant in a process of its own: `run.ts CONTESTANT URL WHAT COUNT CONCURRENCY`. Prints what it measured as JSON. */
import process from "node:process"
import { setTimeout } from "node:timers/promises"
import { contestants } from "./contestants.ts"

/** What a run measured. */
export interface Measured {
  /** Tasks that were done in a second. */
  readonly perSecond: number
  /** Milliseconds of this process's CPU for a task. */
  readonly cpu: number
  /** Milliseconds from `add` to the handler's start, for each task. */
  readonly latencies: ReadonlyArray<number>
}

/** Microseconds of the clock that all processes of the machine share. */
const now = (): number => Number(process.hrtime.bigint() / 1000n)

const [, , contestant = "", url = "", what = "", count = "", concurrency = ""] = process.argv
const open = contestants[contestant]?.[what === "throughput" ? what : "latency"]
if (open === undefined) throw new Error(`there is no ${what} of ${contestant}`)
const opened = await open(url)
const say = (measured: Partial<Measured>) => console.log(JSON.stringify(measured))

/** A tenth of the tasks fail once: every fifth of the first half, so that no run ends with a wait for the last of them. */
const throughput = async () => {
  const tasks = Number(count)
  for (let from = 0; from < tasks; from += 1000)
    await opened.add(Array.from({ length: Math.min(1000, tasks - from) }, (_, n) => from + n))
  const done = new Set<number>()
  const before = process.cpuUsage()
  const begun = now()
  await new Promise<void>((resolve, reject) => {
    const handler = async (task: number, attempt: number) => {
      if (attempt === 1 && task < tasks / 2 && task % 5 === 0) throw new Error("busy")
      done.add(task)
      if (done.size === tasks) resolve()
    }
    opened.work(Number(concurrency), handler).catch(reject)
  })
  const { system, user } = process.cpuUsage(before)
  say({ perSecond: tasks / ((now() - begun) / 1e6), cpu: (system + user) / 1000 / tasks })
}

const add = async () => {
  await setTimeout(1000)
  for (let n = 0; n < Number(count); n++) {
    await setTimeout(50 + Math.random() * 150)
    await opened.add([now()])
  }
}

/** The latency of tasks that come one by one to a worker that has nothing to do; with the tasks of another process, it says when it has begun. */
const latency = async () => {
  const latencies: Array<number> = []
  await new Promise<void>((resolve, reject) => {
    const handler = async (task: number) => {
      if (latencies.push((now() - task) / 1000) === Number(count)) resolve()
    }
    const begun = opened.work(Number(concurrency), handler)
    if (what === "own") begun.then(add).catch(reject)
    else begun.then(() => say({})).catch(reject)
  })
  say({ latencies })
}

await (what === "throughput" ? throughput() : what === "add" ? add() : latency())
await opened.close()
process.exit()
