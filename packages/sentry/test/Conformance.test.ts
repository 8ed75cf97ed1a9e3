import { assert, describe, it } from "@effect/vitest"
import * as Sentry from "@redrive/sentry/Sentry"
import * as Conformance from "@redrive/testing/Conformance"
import { createStackParser, createTransport } from "@sentry/core"
import { nodeStackLineParser, ServerRuntimeClient } from "@sentry/core/server"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const answer = (sink: Conformance.Sink, sent: number): Promise<{ readonly statusCode: number }> => {
  switch (sink) {
    case "sound":
      return Promise.resolve({ statusCode: 200 })
    case "throws":
      throw new Error("no")
    case "rejects":
      return Promise.reject(new Error("no"))
    case "never settles":
      return new Promise(() => undefined)
    case "full":
      return Promise.resolve({ statusCode: sent < 5 ? 200 : 429 })
  }
}

const adapterOf = (sink: Conformance.Sink): Conformance.Adapter => {
  const taken: Array<string> = []
  let lost = 0
  let sent = 0
  const client = new ServerRuntimeClient({
    dsn: "http://public@127.0.0.1:9/1",
    integrations: [],
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (options) =>
      createTransport(options, async ({ body }) => {
        const { statusCode } = await answer(sink, sent++)
        const text = typeof body === "string" ? body : new TextDecoder().decode(body)
        if (statusCode === 200) taken.push(text)
        return { statusCode }
      })
  })
  client.init()
  const layer = Sentry.layer({
    client,
    threshold: "Info",
    flushTimeout: Duration.millis(10),
    onLost: (refused, unheard) => (lost += refused + unheard)
  })
  return { layer, taken: () => taken.splice(0), lost: () => lost }
}

describe("Sentry.layer changes nothing, and hears all", () => {
  it.live.each(Conformance.tests(adapterOf))("%s", ([, check]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* check, [])
    })
  )
})
