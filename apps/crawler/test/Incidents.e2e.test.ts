import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as Postgres from "@redrive/clients/Postgres"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as BrokenExtractor from "../src/demo/BrokenExtractor.ts"
import * as Service from "../src/service/Service.ts"
import * as Incidents from "../src/service/Incidents.ts"
import { create, layer } from "./api.ts"
import * as Web from "../src/watch/Web.ts"
import { folder } from "./files.ts"
import { serve } from "./origin.ts"

const site = serve((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>a page</p>"))

/** A process that serves a database: it tells of its faults, and shows incidents to anybody on this machine. */
const starting = (database: string, told: Array<Alert.Alert>) => {
  const alerts = Incidents.layer({
    chat: { send: (sent) => Effect.sync(() => void told.push(...sent)) }
  })
  const page = Web.make({ isOpen: true, operatorKey: Redacted.make("a key") })
  return Effect.map(
    // Each process has layers of its own.
    Layer.build(Layer.fresh(layer({ database, alerts, page, extractor: BrokenExtractor.layer("/") }))),
    (services) => ({ services, url: Context.get(services, Service.Service).url })
  )
}

const incidentsOf = ({ url }: { readonly url: string }, key = "") =>
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into foreign JSON
  Effect.promise(async (signal): Promise<any> => {
    const address = new URL(`/incidents?key=${encodeURIComponent(key)}`, url)
    const answer = await fetch(address, { signal, headers: { accept: "application/json" } })
    return answer.json()
  })

/** The incidents of a process, once it knows of any. */
const some = Effect.fnUntraced(function* (process: { readonly url: string }) {
  for (;;) {
    const { incidents } = yield* incidentsOf(process)
    if (incidents.length > 0) return incidents
    yield* Effect.sleep("50 millis")
  }
})

/** Two processes share a database, or one has it after the other: what both show, and how often people are told. */
const story = (database: string, together: boolean) =>
  Effect.gen(function* () {
    const told: Array<Alert.Alert> = []
    const url = yield* site
    const [incident] = yield* Effect.scoped(
      Effect.gen(function* () {
        const first = yield* starting(database, told)
        const second = together ? yield* starting(database, told) : first
        yield* Effect.provide(create({ url }), first.services)
        const [seen, other] = [yield* some(first), yield* some(second)]
        assert.deepStrictEqual(
          [...seen, ...other].map(({ code, isOpen }) => [code, isOpen]),
          [seen, other].map(() => ["internal_error", true])
        )
        return seen
      })
    )
    assert.deepStrictEqual(
      told.map(({ status }) => status),
      ["opened"]
    )
    const after = yield* starting(database, told)
    const [again] = yield* some(after)
    assert.deepInclude(again, { key: incident.key, since: incident.since, isOpen: true })
    const { explained } = yield* incidentsOf(after, incident.key)
    assert.isTrue(
      explained.lines.some((line: string) => /told|sent|opened/.test(line)),
      explained.lines.join("\n")
    )
    assert.include(explained.svg, "<svg")
  }) satisfies Effect.Effect<void, unknown, Scope.Scope>

describe("incidents of the service", () => {
  it.live("outlive their process, and people hear of each once", () =>
    Effect.flatMap(folder, (path) => Effect.provide(story(join(path, "crawl.db"), false), Logger.layer([])))
  )

  it.live.skipIf(Postgres.isMissing())("are those of all processes of a PostgreSQL, of which one tells people", () =>
    Effect.flatMap(Postgres.instance(undefined), ({ config: { database, host, port, user } }) =>
      Effect.provide(story(`postgres://${user}@${host}:${port}/${database}`, true), Logger.layer([]))
    )
  )
})
