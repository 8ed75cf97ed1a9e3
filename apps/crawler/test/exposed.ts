/**
 * The metrics of a running service.
 */
import { join } from "node:path"
import * as Alerter from "@redrive/alert/Alerter"
import * as FailureMetrics from "@redrive/alert/FailureMetrics"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as PlainHttp from "../src/service/PlainHttp.ts"
import { ask, crawl, create, layer } from "./api.ts"
import { breakStore, folder } from "./files.ts"
import { serve } from "./origin.ts"

/** A service to which all happens that is counted, as `serve` composes it; waits until `/metrics` has all names that are wanted, or gives up. */
export const exposed = Effect.fnUntraced(function* (wanted: ReadonlySet<string>) {
  const database = join(yield* folder, "crawl.db")
  const receiver = (status: number) => serve((_, response) => void response.writeHead(status).end())
  const hook = (status: number) => Effect.map(receiver(status), (url) => WebhookSink.make({ url: Redacted.make(url) }))
  const sinks = { good: yield* hook(200), failing: yield* hook(500), refusing: yield* hook(400) }
  const alerts = Alerter.layerOf(sinks, { groupWait: 0, flushTimeout: 0, onLost: () => undefined })
  const seen = new Set<string>()
  const site = yield* serve(({ url: path = "" }, response) => {
    const isFirst = !seen.has(path)
    seen.add(path)
    const status = path === "/down" || (path === "/flaky" && isFirst) ? 500 : 200
    response.writeHead(status, { "content-type": "text/html" }).end('<a href="/flaky">a</a><a href="/down">b</a>')
  })
  const program = Effect.gen(function* () {
    yield* crawl({ url: site })
    breakStore(database)
    yield* create({ url: site })
    for (let tries = 0; ; tries++) {
      const { body } = yield* ask("/metrics", { key: "" })
      const names = new Set<string>(Array.from(String(body).matchAll(/^# TYPE (\w+)/gm), ([, name = ""]) => name))
      if (tries === 300 || [...wanted].every((name) => names.has(name))) return names
      yield* Effect.sleep("100 millis")
    }
  })
  const adapters = Layer.mergeAll(
    Layer.provide(alerts, PlainHttp.layer),
    FailureMetrics.layer(catalogue),
    Logger.layer([])
  )
  return yield* program.pipe(
    Effect.provide(Layer.provide(layer({ database }), adapters)),
    Effect.provideService(Metric.MetricRegistry, new Map())
  )
})
