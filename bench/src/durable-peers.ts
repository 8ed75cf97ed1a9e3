/** Durable tasks beside their peers, each in processes of its own, on servers that write each commit to the disk before they answer. */
import * as Postgres from "@redrive/clients/Postgres"
import * as RedisServer from "@redrive/clients/Redis"
import * as Servers from "@redrive/clients/Servers"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import { Redis } from "ioredis"
import { Client } from "pg"
import { contestants, type Place } from "./durable/contestants.ts"
import type { Measured } from "./durable/run.ts"
import { table, write } from "./measure.ts"

const rounds = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 8)
const loop = "a bare loop of rows"

const quantile = (values: ReadonlyArray<number>, part: number): number =>
  values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) * part)] ?? NaN

/** Runs `run.ts` to its end, and gives what it says last. Calls back when it says something. */
const child = (args: ReadonlyArray<string>, said: () => void = () => undefined): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, "durable/run.ts")
    const options = ["--disable-warning=ExperimentalWarning", file, ...args]
    const running = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "inherit"] })
    let last = "{}"
    createInterface({ input: running.stdout }).on("line", (line) => {
      last = line
      said()
    })
    running.on("close", (code) =>
      code === 0 ? resolve(JSON.parse(last)) : reject(new Error(`${args.join(" ")}: ${code}`))
    )
  })

interface Servers {
  readonly postgres: { readonly host: string; readonly port: number; readonly user: string }
  readonly redis: string
  readonly folder: string
}

let places = 0

/** An empty database. */
const empty = async ({ folder, postgres, redis }: Servers, place: Place): Promise<string> => {
  const name = `run${places++}`
  if (place === "SQLite") return join(folder, `${name}.db`)
  if (place === "Redis") {
    const client = new Redis(redis)
    await client.flushall()
    client.disconnect()
    return redis
  }
  const client = new Client({ ...postgres, database: "postgres" })
  await client.connect()
  if (places > 1) await client.query(`DROP DATABASE IF EXISTS run${places - 2} WITH (FORCE)`)
  await client.query(`CREATE DATABASE ${name}`)
  await client.query("CHECKPOINT")
  await client.end()
  return `postgres://${postgres.user}@${postgres.host}:${postgres.port}/${name}`
}

/** Of tasks that the worker's own process adds, or another one as soon as the worker is there. */
const latencies = async (name: string, url: string, from: "own" | "other", count: number) => {
  const added: Array<Promise<unknown>> = []
  const add = () => {
    if (from === "other" && added.length === 0) added.push(child([name, url, "add", `${count}`, "1"]))
  }
  const { latencies } = await child([name, url, from, `${count}`, "10"], add)
  await Promise.all(added)
  return latencies
}

interface Row {
  readonly name: string
  readonly place: Place
  readonly runs: Map<number, Array<Measured>>
  readonly own: Array<number>
  readonly other: Array<number>
}

const concurrencies = [1, 10, 100]
const rows = Object.entries(contestants).map(([name, { place }]): Row => {
  return { name, place, runs: new Map(concurrencies.map((one) => [one, []])), own: [], other: [] }
})

/** How many tasks one run takes, so that the slow and the fast run for about the same time. */
const countOf = (concurrency: number, { runs }: Row): number =>
  Math.round(seconds * (runs.get(concurrency)?.[0]?.perSecond ?? (concurrency === 1 ? 400 : 1000)))

const round = async (servers: Servers) => {
  // One after the other, so that the machine treats all alike.
  for (const concurrency of concurrencies) {
    for (const row of rows) {
      const url = await empty(servers, row.place)
      const count = countOf(concurrency, row)
      row.runs.get(concurrency)?.push(await child([row.name, url, "throughput", `${count}`, `${concurrency}`]))
    }
  }
  for (const { name, other, own, place } of rows) {
    if (contestants[name]?.latency === undefined) continue
    own.push(...(await latencies(name, await empty(servers, place), "own", 40)))
    other.push(...(await latencies(name, await empty(servers, place), "other", 40)))
  }
}

const main = Effect.gen(function* () {
  const postgres = yield* Postgres.server(undefined, { fsync: "on" })
  const redis = yield* RedisServer.durable
  const folder = yield* Servers.folder()
  for (let turn = 0; turn < rounds; turn++) yield* Effect.promise(() => round({ postgres, redis: redis.url, folder }))
})

await Effect.runPromise(Effect.scoped(main))

const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)
const perSecond = ({ runs }: Row, concurrency: number) =>
  median((runs.get(concurrency) ?? []).map((one) => one.perSecond))
const cpu = ({ runs }: Row, concurrency: number) => median((runs.get(concurrency) ?? []).map((one) => one.cpu))
const floor = rows.find(({ name }) => name === loop)

const throughputs = rows.map((row) => [
  row.name,
  row.place,
  ...concurrencies.flatMap((concurrency) => {
    const own = perSecond(row, concurrency)
    const beside = floor === undefined ? NaN : own / perSecond(floor, concurrency)
    return [Math.round(own).toLocaleString("en-US"), `${beside.toFixed(2)}x`, cpu(row, concurrency).toFixed(2)]
  })
])
const starts = rows
  .filter(({ own }) => own.length > 0)
  .map(({ name, other, own, place }) => [
    name,
    place,
    ...[own, other].flatMap((all) => [quantile(all, 0.5), quantile(all, 0.99)].map((value) => value.toFixed(1)))
  ])

const ofEach = concurrencies.flatMap((one) => [`${one} at once`, "beside the loop", "CPU ms"])
write(
  "durable-peers.md",
  "Durable tasks beside their peers",
  `2 cores for servers and clients together; PostgreSQL with fsync and synchronous_commit on, Redis with appendfsync always, SQLite with synchronous FULL;
each of a pool of 10 connections; nothing is set to work in batches: each library commits an end at once, and what it gathers by itself meanwhile, it gathers (@redrive/durable and
BullMQ do); a tenth of the first attempts fails and is retried by each library's own policy;
medians of ${rounds} interleaved rounds.

## Tasks a second, and milliseconds of the worker's CPU for each`,
  `${table(["what", "keeps them in", ...ofEach], 2, throughputs)}

## Milliseconds from adding a task to its handler's start, by an idle worker

${table(["what", "keeps them in", "own process p50", "p99", "other process p50", "p99"], 2, starts)}`
)
