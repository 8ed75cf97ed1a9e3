/** What alerting costs: failures a second, beside a real Alertmanager's API, and transitions a second into an outbox. */
import * as Alerter from "@redrive/alert/Alerter"
import * as Incident from "@redrive/alert/Incident"
import * as Outbox from "@redrive/alert/Outbox"
import * as Route from "@redrive/alert/Route"
import type { Service } from "@redrive/alert/Sink"
import * as SqlJournal from "@redrive/alert/SqlJournal"
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
import * as SqlClient from "effect/sql/SqlClient"
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
    // What the run before left behind is let go of by then.
    yield* Effect.sleep("500 millis")
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

/** A storm of a million failures of ten thousand kinds: what it takes, and how late its alerts are. */
const storm = Effect.gen(function* () {
  const total = 1_000_000
  const late: Array<number> = []
  let counted = 0
  const sink: Service = {
    batch: 100,
    send: (alerts) =>
      Effect.sync(() => {
        const now = Date.now()
        for (const { at, count } of alerts) {
          late.push(now - at.epochMilliseconds)
          counted += count
        }
      })
  }
  const routes = Route.make([
    { name: "all", sinks: ["a"], match: {}, groupWait: Duration.seconds(1), groupInterval: Duration.seconds(5) }
  ])
  const before = heap()
  let lost = 0
  let most = 0
  const begun = performance.now()
  const program = Effect.gen(function* () {
    for (let n = 0; n < total; n++) {
      yield* ErrorReporter.report(Cause.fail(errorOf(n)))
      if (n % 1000 !== 0) continue
      // The deliveries have their turns.
      yield* Effect.yieldNow
      if (n % 100_000 === 0) most = Math.max(most, heap() - before)
    }
    return performance.now() - begun
  })
  const options = { routes, maxKeys: kinds, onLost: (count: number) => (lost = count) }
  const took = yield* Effect.provide(program, Alerter.layerOf({ a: sink }, options))
  if (counted !== total || lost > 0) throw new Error(`told of ${counted}, lost ${lost}`)
  const sorted = late.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? NaN
  return { rate: total / (took / 1000), alerts: late.length, p50: at(0.5), p99: at(0.99), most }
})

/** What is found in a journal of a million decisions about ten thousand incidents. */
const explained = Effect.gen(function* () {
  const path = yield* folder
  const program = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const journal = yield* SqlJournal.make({ interval: "1 hour" })
    const now = Date.now()
    for (let hundred = 0; hundred < 100; hundred++) {
      for (let n = 0; n < 10_000; n++)
        journal.note({
          at: now - hundred * 60_000,
          route: "all",
          key: `k${n}`,
          incident: "",
          decision: "told",
          why: "reminder",
          sinks: ["a"],
          count: 1
        })
      // Looking writes what waits.
      yield* journal.entries({ key: "k0", most: 1 })
    }
    const [count] = yield* sql<{ readonly n: number }>`SELECT count(*) AS n FROM redrive_decisions`
    if (count?.n !== 1_000_000) throw new Error(`there are ${count?.n}`)
    const times: Array<number> = []
    for (let n = 0; n < 200; n++) {
      const begun = performance.now()
      const lines = yield* journal.explain({ key: `k${(n * 37) % 10_000}` })
      times.push(performance.now() - begun)
      if (lines.length !== 100) throw new Error(`found ${lines.length}`)
    }
    const sorted = times.toSorted((one, other) => one - other)
    return [sorted[100] ?? NaN, sorted[197] ?? NaN] as const
  })
  return yield* Effect.provide(Effect.scoped(program), Sqlite.layer({ filename: join(path, "journal.db") }))
})

const rows: Array<ReadonlyArray<string>> = []
const measure = async (what: string, effect: Effect.Effect<number, unknown>) => {
  const values: Array<number> = []
  for (let run = 0; run < 3; run++) values.push(await Effect.runPromise(effect))
  const median = values.toSorted((one, other) => one - other)[1] ?? NaN
  rows.push([what, shown(median)])
}

// Before the others leave anything behind.
await measure("bytes of an open incident", bytes)
await measure("failures a second, a step of the machine", Effect.sync(machine))
await measure("failures a second, raised and reported, 1 route", reported(1))
await measure("the same with 100 routes", reported(100))
await measure("the same with 1000 routes", reported(1000))
if (!Program.isMissing("prometheus-alertmanager", "prometheus-alertmanager"))
  await measure("alerts a second, Alertmanager over its API", Effect.scoped(alertmanager))
await measure("alerts a second into SQLite, a commit for each", Effect.scoped(kept(1, 2000)))
await measure("alerts a second into SQLite, 100 in a commit", Effect.scoped(kept(100, 20_000)))

const { alerts, most, p50, p99, rate } = await Effect.runPromise(storm)
rows.push(["failures a second in a storm of 1,000,000, none lost", shown(rate)])
rows.push(["alerts of the storm", shown(alerts)])
rows.push(["milliseconds from an alert to its delivery, median", shown(p50)])
rows.push(["milliseconds from an alert to its delivery, 99 % are below", shown(p99)])
rows.push(["megabytes in the storm at most", (most / 1e6).toFixed(0)])
const [half, nearlyAll] = await Effect.runPromise(Effect.scoped(explained))
rows.push(["milliseconds to explain an incident of 1,000,000 decisions, median", half.toFixed(1)])
rows.push(["milliseconds to explain an incident of 1,000,000 decisions, 99 % are below", nearlyAll.toFixed(1)])

write("alert.md", "Alerts", "medians of 3 runs, 10,000 kinds of failures.", table(["what", "value"], 1, rows))
