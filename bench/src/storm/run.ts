/**
 * Clients of a service that is in trouble for half a minute: what their retries make of it. `--clients` says how many there are (50), which
 * make as many requests together: with more clients, each has seen less of the trouble.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { table, write } from "../measure.ts"
import { exponential, seeded } from "./chance.ts"
import { type Ask, type Client, contenders, type Contender } from "./clients.ts"
import { chart } from "./chart.ts"
import type { Stats } from "./server.ts"

/** Seconds: the trouble begins, it ends, and the run ends. */
const phases = { begins: 10, ends: 40, over: 80 }
const { values: flags } = parseArgs({ options: { clients: { type: "string", default: "50" } } })
const clients = Number(flags.clients)
if (!Number.isInteger(clients) || clients < 1)
  throw new Error(`--clients is ${flags.clients}; allowed: a number from 1`)
const offered = 80

const server = fork(join(import.meta.dirname, "server.ts"), { stdio: ["ignore", "inherit", "inherit", "ipc"] })
const [port] = await once(server, "message")
const base = `http://127.0.0.1:${port}`

const ask: Ask = async (create, signal) => {
  const url = create === undefined ? `${base}/read` : `${base}/jobs?create=${create}`
  const response = await fetch(url, { method: create === undefined ? "GET" : "POST", signal })
  await response.text()
  if (!response.ok) throw Object.assign(new Error(`status ${response.status}`), { status: response.status })
}

/** The outcomes of the requests that were made in each second. */
interface Run {
  readonly made: ReadonlyArray<number>
  readonly succeeded: ReadonlyArray<number>
  /** Successes by the second in which they came. */
  readonly goodput: ReadonlyArray<number>
  readonly stats: Stats
}

const runOf = async ({ client }: Contender): Promise<Run> => {
  await fetch(`${base}/reset`)
  const random = seeded(7)
  const each: ReadonlyArray<Client> = Array.from({ length: clients }, () => client(ask))
  const seconds = () => Array.from({ length: phases.over }, () => 0)
  const made = seconds()
  const succeeded = seconds()
  const goodput = seconds()
  const begun = Date.now()
  const passed = () => (Date.now() - begun) / 1000
  const trouble = sleep(phases.begins * 1000)
    .then(() => fetch(`${base}/degrade`))
    .then(() => sleep((phases.ends - phases.begins) * 1000))
    .then(() => fetch(`${base}/restore`))
  const under: Array<Promise<void>> = []
  let next = 0
  for (let request = 0; next < phases.over; request++) {
    next += exponential(random, offered)
    await sleep(Math.max(0, (next - passed()) * 1000))
    const second = Math.min(phases.over - 1, Math.floor(next))
    const create = random() < 0.1 ? `job-${request}` : undefined
    const one = each[Math.floor(random() * clients)]
    made[second]! += 1
    const ended = one?.(create).then(
      () => {
        succeeded[second]! += 1
        const at = Math.floor(passed())
        if (at < phases.over) goodput[at]! += 1
      },
      () => undefined
    )
    if (ended !== undefined) under.push(ended)
  }
  await trouble
  await Promise.race([Promise.all(under), sleep(20_000)])
  const answer = await fetch(`${base}/stats`)
  return { made, succeeded, goodput, stats: (await answer.json()) as Stats }
}

const sum = (values: ReadonlyArray<number>, from = 0, to = values.length): number =>
  values.slice(from, to).reduce((total, value) => total + (value ?? 0), 0)

const { begins, ends, over } = phases

/** Seconds after the trouble until nine of ten requests succeed again, five seconds in a row. */
const recovery = ({ made, succeeded }: Run): string => {
  for (let second = ends; second <= over - 5; second++) {
    if (sum(succeeded, second, second + 5) >= 0.9 * sum(made, second, second + 5)) return String(second - ends)
  }
  return "never"
}

const rows: Array<ReadonlyArray<string>> = []
const lines: Array<{ readonly name: string; readonly values: ReadonlyArray<number> }> = []
for (const contender of contenders) {
  process.stderr.write(`${contender.name} ...\n`)
  const run = await runOf(contender)
  const { goodput, made, stats, succeeded } = run
  lines.push({ name: contender.name, values: goodput })
  rows.push([
    contender.name,
    (sum(stats.arrived, begins, ends) / sum(made, begins, ends)).toFixed(2),
    String(Math.max(...stats.arrived.map((value) => value ?? 0))),
    (sum(goodput, begins, ends) / (ends - begins)).toFixed(1),
    (sum(goodput, ends, over) / (over - ends)).toFixed(1),
    recovery(run),
    ((100 * sum(succeeded)) / sum(made)).toFixed(1),
    String(stats.twice)
  ])
  // Calls that are still in the queue do not count for the next run.
  await sleep(15_000)
}
server.disconnect()

const head = [
  "client",
  "attempts a request in the trouble",
  "most in a second",
  "goodput in it",
  "goodput after",
  "recovery s",
  "success %",
  "created twice"
]
const how = `${clients} clients make ${offered} requests a second, a tenth of them creations, for ${over} s; from second ${begins} to ${ends} the service answers 30 a second in place of 100.`
const name = clients === 50 ? "storm" : `storm-${clients}`
const picture = `![successes a second](${name}.svg)`
write(`${name}.md`, "A storm", how, `${table(head, 1, rows)}\n\n${picture}`)
writeFileSync(join(import.meta.dirname, `../../results/${name}.svg`), chart(lines, { begins, ends, offered }))
