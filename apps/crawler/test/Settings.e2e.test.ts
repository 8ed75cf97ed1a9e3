import { createServer } from "node:http"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { text as textOf } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import * as Settings from "../src/cli/Settings.ts"
import { run, serving } from "./cli.ts"
import { breakStore, folder } from "./files.ts"

interface Printed {
  readonly flag: string
  readonly variable: string
  readonly value: unknown
  readonly from: string
}

/** What `config print --json` says of each setting, by its flag. */
const printed = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) {
  const { code, stderr, stdout } = yield* run(["config", "print", "--json", ...args], undefined, undefined, env)
  assert.deepStrictEqual([code, stderr], [0, ""])
  return new Map((JSON.parse(stdout) as ReadonlyArray<Printed>).map((one) => [one.flag, one]))
})

/** A value of each setting that is not its default, and one that it does not take. */
const samples: { readonly [variable: string]: readonly [right: string, wrong: string] } = {
  REDRIVE_HOST: ["0.0.0.0", "here"],
  REDRIVE_PORT: ["9000", "-1"],
  REDRIVE_DATABASE: ["postgres://u:hunter2@127.0.0.1/x", "mysql://u:hunter2@127.0.0.1/x"],
  REDRIVE_LOCAL_ACCOUNT: ["false", "maybe"],
  REDRIVE_ALERT_WEBHOOK: ["https://alerts.example.com/hunter2", "hunter2"],
  REDRIVE_ALERTMANAGER: ["http://a.test:9093,http://b.test:9093", "http://a:hunter2@a.test"],
  REDRIVE_OPERATOR_KEY: ["hunter2-hunter2-hunter2", "hunter2"],
  REDRIVE_WEBHOOK_SECRET: [`whsec_hunter2${"A".repeat(25)}`, "whsec_hunter2"],
  REDRIVE_DEMO: ["true", "perhaps"],
  REDRIVE_REQUESTS_PER_MINUTE: ["5", "1.5"],
  REDRIVE_ALLOW_PRIVATE: ["true", "1"]
}

describe.concurrent("the settings of serve", () => {
  it.live("are the same in help and in `config print`", () =>
    Effect.gen(function* () {
      const { stdout } = yield* run(["serve", "--help"])
      const [, flags = ""] = /^FLAGS\n([\s\S]*?)\n\n/m.exec(stdout) ?? []
      const helped = Array.from(flags.matchAll(/^ +(--[\w-]+) .* also read from (REDRIVE_\w+) \((.*)\)$/gm), (found) =>
        found.slice(1)
      )
      assert.deepStrictEqual(
        helped,
        Settings.described.map((one) => [one.flag, one.variable, one.default])
      )
      assert.lengthOf(flags.split("\n"), helped.length)
      assert.deepStrictEqual(
        [...(yield* printed([])).keys()],
        Settings.described.map(({ flag }) => flag)
      )
      assert.sameMembers(
        Object.keys(samples),
        Settings.described.map(({ variable }) => variable)
      )
    })
  )

  it.live("are read from the environment, and never shown if they are secret", () =>
    Effect.gen(function* () {
      const env = Object.fromEntries(Object.entries(samples).map(([variable, [right]]) => [variable, right]))
      const all = [...(yield* printed([], env)).values()]
      for (const { from, variable } of all) assert.strictEqual(from, "environment", variable)
      assert.notInclude(JSON.stringify(all), "hunter2")
      assert.deepStrictEqual(
        all.map(({ value }) => value),
        [
          "0.0.0.0",
          9000,
          "127.0.0.1/x",
          false,
          "(set)",
          "http://a.test:9093,http://b.test:9093",
          "(set)",
          "(set)",
          true,
          5,
          true
        ]
      )
    })
  )

  it.live("come from the flag, else from the environment, else they are the default", () =>
    Effect.gen(function* () {
      const env = { REDRIVE_PORT: "9000", REDRIVE_ALLOW_PRIVATE: "true", REDRIVE_DATABASE: "" }
      const all = yield* printed(["--port", "9001", "--no-allow-private"], env)
      assert.deepInclude(all.get("--port"), { value: 9001, from: "flag" })
      assert.deepInclude(all.get("--allow-private"), { value: false, from: "flag" })
      assert.deepInclude(all.get("--database"), { value: ":memory:", from: "default" })
      assert.deepInclude(all.get("--webhook-secret"), { value: "(none)", from: "default" })
      const { stdout } = yield* run(["config", "print"], undefined, "80", env)
      assert.match(stdout, /^--port +REDRIVE_PORT +environment +9000$/m)
    })
  )

  for (const [variable, [, wrong]] of Object.entries(samples))
    it.live(`${variable} with a wrong value is one line that names it`, () =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* run(["serve"], undefined, undefined, { [variable]: wrong })
        assert.deepStrictEqual([code, stdout], [1, ""])
        assert.match(stderr, new RegExp(`^error: Invalid value for variable ${variable}\\b.* Expected: .*\\n$`))
        assert.notInclude(stderr, "hunter2")
      })
    )

  it.live.skipIf(process.platform !== "linux")("say which address is listened on", () =>
    Effect.gen(function* () {
      const { url } = yield* serving(["--host", "127.0.0.2"])
      assert.strictEqual(new URL(url).hostname, "127.0.0.2")
      assert.strictEqual((yield* Effect.promise(() => fetch(new URL("/readyz", url)))).status, 200)
      const elsewhere = Effect.tryPromise(() => fetch(`http://127.0.0.1:${new URL(url).port}/readyz`))
      yield* Effect.flip(elsewhere)
    })
  )

  it.live("may do without the account whose key everybody knows, even if the database has it", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      const status = (url: string) =>
        Effect.promise(async () => {
          const headers = { authorization: "Bearer local" }
          return [await fetch(new URL("/v1/jobs", url), { headers }), await fetch(new URL("/readyz", url))].map(
            (answer) => answer.status
          )
        })
      const open = yield* serving(["--database", database])
      assert.deepStrictEqual(yield* status(open.url), [200, 200])
      yield* open.stop()
      const shut = yield* serving(["--database", database, "--no-local-account"])
      assert.deepStrictEqual(yield* status(shut.url), [401, 200])
    })
  )
})

const program = "prometheus-alertmanager"

describe.skipIf(Program.isMissing(program, program))("a real Alertmanager", () => {
  it.live("gets the alerts of serve, beside a webhook", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, "alertmanager.yml")
      writeFileSync(file, "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n")
      const port = yield* Program.freePort
      const args = [
        `--config.file=${file}`,
        `--storage.path=${path}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--cluster.listen-address="
      ]
      yield* Program.run(program, { args, port })
      const posted: Array<string> = []
      const webhook = yield* Program.serve(
        createServer(async (request, response) => {
          posted.push(await textOf(request))
          response.end()
        })
      )
      const database = join(path, "crawl.db")
      const alertmanager = `http://127.0.0.1:${port}`
      const sinks = ["--alert-webhook", webhook, "--alertmanager", alertmanager]
      const { stop, url } = yield* serving(["--database", database, ...sinks])
      breakStore(database)
      const body = JSON.stringify({ url: "https://example.com/", items_limit: 1 })
      const headers = { authorization: "Bearer local", "content-type": "application/json" }
      const answer = yield* Effect.promise(() => fetch(new URL("/v1/crawl", url), { method: "POST", headers, body }))
      assert.strictEqual(answer.status, 500)
      // What waits is told at the end.
      yield* stop()
      const alerts = yield* Effect.promise(async () => {
        const response = await fetch(`${alertmanager}/api/v2/alerts`)
        return (await response.json()) as ReadonlyArray<{ readonly labels: { readonly alertname: string } }>
      })
      assert.include(
        alerts.map(({ labels }) => labels.alertname),
        "internal_error"
      )
      assert.include(posted.join(), "internal_error")
    })
  )
})
