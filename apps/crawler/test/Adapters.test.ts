import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import type { Service } from "@redrive/alert/Sink"
import * as Observer from "@redrive/core/Observer"
import * as Log from "@redrive/log/Log"
import * as OpenTelemetry from "@redrive/log/OpenTelemetry"
import * as Pino from "@redrive/pino/Pino"
import * as Sentry from "@redrive/sentry/Sentry"
import { createStackParser, createTransport } from "@sentry/core"
import { nodeStackLineParser, ServerRuntimeClient } from "@sentry/core/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import pino from "pino"

const failure = "the disk is full"

/** How often each adapter told of the failure. */
type Heard = Record<"log" | "pino" | "sentry" | "alert" | "otel" | "own", number>

/** One of each adapter of the family, and a program's own. */
const adapters = (heard: Heard): ReadonlyArray<Layer.Layer<never>> => {
  const count = (who: keyof Heard, text: string) => {
    if (text.includes(failure)) heard[who]++
  }
  const client = new ServerRuntimeClient({
    dsn: "http://public@127.0.0.1:9/1",
    integrations: [],
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (options) =>
      createTransport(options, ({ body }) => {
        count("sentry", typeof body === "string" ? body : new TextDecoder().decode(body))
        return Promise.resolve({ statusCode: 200 })
      })
  })
  client.init()
  const sink: Service = {
    send: (alerts) => Effect.sync(() => alerts.forEach(({ message }) => count("alert", message)))
  }
  const exporter = Logger.layer([Logger.make(({ message }) => count("otel", JSON.stringify(message)))])
  return [
    Log.layer({ format: "pretty", stream: { write: (line) => count("log", line) } }),
    Pino.layer(pino({}, { write: (line: string) => count("pino", line) })),
    Sentry.layer({ client }),
    Alerter.layerOf({ sink }),
    OpenTelemetry.layer.pipe(Layer.provide(exporter)),
    Observer.layer({ report: ({ message }) => count("own", message) })
  ]
}

const orders = (count: number): ReadonlyArray<ReadonlyArray<number>> => {
  const all = Array.from({ length: count }, (_, index) => index)
  const rotated = all.map((by) => [...all.slice(by), ...all.slice(0, by)])
  return [...rotated, ...rotated.map((order) => order.toReversed())]
}

const merged = (one: Layer.Layer<never>, other: Layer.Layer<never>) => Layer.merge(one, other)
const provided = (one: Layer.Layer<never>, other: Layer.Layer<never>) => Layer.provideMerge(one, other)

const program = Effect.ignore(Effect.withErrorReporting(Effect.fail(failure)))

describe("all adapters of the family together", () => {
  it.live("tell of a failure once each, merged and provided in any order", () =>
    Effect.gen(function* () {
      for (const order of orders(6)) {
        for (const together of [merged, provided]) {
          const heard: Heard = { log: 0, pino: 0, sentry: 0, alert: 0, otel: 0, own: 0 }
          const made = adapters(heard)
          const layer = order.map((index) => made[index] ?? Layer.empty).reduce(together)
          yield* Effect.provide(program, layer)
          assert.deepStrictEqual(heard, { log: 1, pino: 1, sentry: 1, alert: 1, otel: 1, own: 1 }, order.join(" "))
        }
      }
    })
  )
})
