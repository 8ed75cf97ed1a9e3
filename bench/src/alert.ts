/** What alerting costs: failures a second, beside a real Alertmanager's API, and transitions a second into an outbox. */
import * as Alerter from "@redrive/alert/Alerter"
import * as Incident from "@redrive/alert/Incident"
import * as Outbox from "@redrive/alert/Outbox"
import * as Route from "@redrive/alert/Route"
import type { Service } from "@redrive/alert/Sink"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Failure from "@redrive/core/Failure"
import * as Report from "@redrive/core/Report"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Program from "@redrive/testing/Program"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { table, write } from "./measure.ts"

const kinds = 10_000
const errorOf = (n: number) =>
  Failure.withoutStack(() => Object.assign(new Error("down"), { name: `Kind${n % kinds}` }))

const perSecond = (count: number, begun: number): number => count / ((performance.now() - begun) / 1000)
const shown = (value: number): string => Math.round(value).toLocaleString("en-US")

const routesOf = (rules: number) =>
  Route.make([
    ...Array.from({ length: rules - 1 }, (_, n) => ({ name: `r${n}`, sinks: ["a"], match: { codes: [`none${n}`] } })),
    { name: "all", sinks: ["a"], match: {}, groupWait: Duration.minutes(10) }
  ])

const silent: Service = { send: () => Effect.void, batch: 1000 }

/** A step of the machine for each failure: what remains when the report is made and the route is known. */
const machine = (): number => {
  const [route] = routesOf(1)
  if (route === undefined) throw new Error("no route")
  const reports = Array.from({ length: kinds }, (_, n) => Report.make(errorOf(n)))
  const incidents = new Map<string, Incident.Incident>()
  const total = 2_000_000
  const begun = performance.now()
  for (let n = 0; n < total; n++) {
    const report = reports[n % kinds]
    if (report === undefined) continue
    const key = report.code
    incidents.set(key, Incident.failed(route, incidents.get(key), key, report, begun + n))
  }
  return perSecond(total, begun)
}

/** Failures that a program raises and reports: the error, its report, and its incident. */
const reported = (rules: number): Effect.Effect<number> => {
  const total = 100_000
  const program = Effect.gen(function* () {
    const begun = performance.now()
    for (let n = 0; n < total; n++) yield* ErrorReporter.report(Cause.fail(errorOf(n)))
    return perSecond(total, begun)
  })
  const options = { routes: routesOf(rules), maxKeys: kinds, onLost: () => undefined }
  return Effect.provide(program, Alerter.layerOf({ a: silent }, options))
}

const heap = () => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** What an open incident takes in memory. */
const bytes: Effect.Effect<number> = Effect.suspend(() => {
  const count = 100_000
  const program = Effect.gen(function* () {
    const before = heap()
    for (let n = 0; n < count; n++)
      yield* ErrorReporter.report(
        Cause.fail(Failure.withoutStack(() => Object.assign(new Error("down"), { name: `K${n}` })))
      )
    return (heap() - before) / count
  })
  const options = { routes: routesOf(1), maxKeys: count, onLost: () => undefined }
  return Effect.provide(program, Alerter.layerOf({ a: silent }, options))
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "alert-bench-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Alerts that a real Alertmanager takes over its API, a hundred in a request, eight requests at a time. */
const alertmanager = Effect.gen(function* () {
  const path = yield* folder
  const file = join(path, "alertmanager.yml")
  writeFileSync(file, "route: { receiver: none, group_wait: 10m }\nreceivers: [{ name: none }]\n")
  const port = yield* Program.freePort
  const address = `127.0.0.1:${port}`
  const args = [
    `--config.file=${file}`,
    `--storage.path=${path}`,
    `--web.listen-address=${address}`,
    "--cluster.listen-address="
  ]
  yield* Program.run("prometheus-alertmanager", { args, port })
  const post = (from: number) =>
    Effect.tryPromise(async () => {
      const alerts = Array.from({ length: 100 }, (_, n) => ({
        labels: { alertname: `Kind${(from + n) % kinds}` },
        annotations: { description: "down" }
      }))
      const headers = { "content-type": "application/json" }
      const response = await fetch(`http://${address}/api/v2/alerts`, {
        method: "POST",
        headers,
        body: JSON.stringify(alerts)
      })
      await response.arrayBuffer()
      if (response.status !== 200) throw new Error(`answered ${response.status}`)
    })
  yield* Effect.retry(post(0), Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(100)]))
  const requests = 1000
  const begun = performance.now()
  yield* Effect.forEach(
    Array.from({ length: requests }, (_, n) => n * 100),
    post,
    { concurrency: 8, discard: true }
  )
  return perSecond(requests * 100, begun)
})

const alertOf = (n: number) => {
  const at = DateTime.makeUnsafe(Date.now())
  const report = Report.make(errorOf(n))
  const about = {
    level: report.level,
    code: report.code,
    actor: report.actor,
    message: report.message,
    urls: [],
    jobIds: []
  }
  const key = `${report.code}/${n}`
  const facts = {
    route: "all",
    key,
    status: "opened",
    severity: "Error",
    count: 1,
    total: 1,
    firstAt: at,
    lastAt: at
  } as const
  return { id: `${key}/opened`, incident: `${key}#1`, at, ...facts, ...about }
}

/** Alerts that an outbox in SQLite keeps in a second, so many in a commit. */
const kept = (batch: number, total: number) =>
  Effect.gen(function* () {
    const path = yield* folder
    const layer = SqlOutbox.layer().pipe(Layer.provide(Sqlite.layer({ filename: join(path, `${batch}.db`) })))
    const program = Effect.gen(function* () {
      const outbox = yield* Outbox.Outbox
      // Only who holds an outbox may write into it.
      yield* outbox.share?.hold([]) ?? Effect.void
      const begun = performance.now()
      for (let from = 0; from < total; from += batch) {
        const added = Array.from({ length: batch }, (_, n) => ({ sink: "a", alert: alertOf(from + n) }))
        yield* outbox.commit({ incidents: [], added, done: [] })
      }
      return perSecond(total, begun)
    })
    return yield* Effect.provide(program, layer)
  })

const rows: Array<ReadonlyArray<string>> = []
const measure = async (what: string, effect: Effect.Effect<number, unknown>) => {
  const values: Array<number> = []
  for (let run = 0; run < 3; run++) values.push(await Effect.runPromise(effect))
  const median = values.toSorted((one, other) => one - other)[1] ?? NaN
  rows.push([what, shown(median)])
}

await measure("failures a second, a step of the machine", Effect.sync(machine))
await measure("failures a second, raised and reported, 1 route", reported(1))
await measure("the same with 100 routes", reported(100))
if (!Program.isMissing("prometheus-alertmanager", "prometheus-alertmanager"))
  await measure("alerts a second, Alertmanager over its API", Effect.scoped(alertmanager))
await measure("bytes of an open incident", bytes)
await measure("alerts a second into SQLite, a commit for each", Effect.scoped(kept(1, 2000)))
await measure("alerts a second into SQLite, 100 in a commit", Effect.scoped(kept(100, 20_000)))

write("alert.md", "Alerts", "medians of 3 runs, 10,000 kinds of failures.", table(["what", "value"], 1, rows))
