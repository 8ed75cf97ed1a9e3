import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text as textOf } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import * as AlertmanagerSink from "@redrive/alert/AlertmanagerSink"
import * as Program from "@redrive/testing/Program"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Schedule from "effect/Schedule"
import { itemAlert, noMessage } from "./samples.ts"

interface Notification {
  readonly status: string
  readonly alerts: ReadonlyArray<{
    readonly status: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }>
}

const program = "prometheus-alertmanager"

/** A real Alertmanager, and what it tells a webhook. */
const alertmanager = Effect.gen(function* () {
  const told: Array<Notification> = []
  const webhook = yield* Program.serve(
    createServer(async (request, response) => {
      told.push(JSON.parse(await textOf(request)) as Notification)
      response.end()
    })
  )
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "alertmanager-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const file = join(folder, "alertmanager.yml")
  writeFileSync(
    file,
    [
      "route: { receiver: hook, group_by: [incident], group_wait: 50ms, group_interval: 200ms, repeat_interval: 1h }",
      `receivers: [{ name: hook, webhook_configs: [{ url: "${webhook}", send_resolved: true }] }]`
    ].join("\n")
  )
  const port = yield* Program.freePort
  const args = [
    `--config.file=${file}`,
    `--storage.path=${folder}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address="
  ]
  yield* Program.run(program, { args, port })
  return { told, url: `http://127.0.0.1:${port}` }
})

describe.skipIf(Program.isMissing(program, program))("a real Alertmanager", () => {
  it.live("tells of an incident when it fires and when it is over, once each", () =>
    Effect.gen(function* () {
      const { told, url } = yield* alertmanager
      const sink = yield* AlertmanagerSink.make({ urls: [url], resendInterval: "100 millis" })
      const now = yield* DateTime.now
      const about = { at: now, firstAt: now, lastAt: now }
      const until = (status: string) =>
        Effect.suspend(() => (told.some((one) => one.status === status) ? Effect.void : Effect.fail(status))).pipe(
          Effect.retry(Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(200)]))
        )
      yield* Effect.retry(
        sink.send([itemAlert(about)], noMessage),
        Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(50)])
      )
      yield* until("firing")
      yield* sink.send([itemAlert({ ...about, status: "reminder", count: 3, total: 15 })], noMessage)
      yield* Effect.sleep("600 millis")
      yield* sink.send([itemAlert({ ...about, status: "resolved", at: yield* DateTime.now })], noMessage)
      yield* until("resolved")
      assert.deepStrictEqual(
        told.map(({ status }) => status),
        ["firing", "resolved"]
      )
      const [alert] = told[0]?.alerts ?? []
      assert.deepInclude(alert?.labels, { alertname: "website_access_denied", host: "example.com", level: "item" })
      assert.deepInclude(alert?.annotations, { severity: "warn", actor: "caller", failures: "12" })
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})
