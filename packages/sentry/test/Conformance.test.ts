import { assert, describe, it } from "@effect/vitest"
import * as Sentry from "@redrive/sentry/Sentry"
import * as Conformance from "@redrive/testing/Conformance"
import { createStackParser, createTransport } from "@sentry/core"
import { nodeStackLineParser, ServerRuntimeClient } from "@sentry/core/server"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const answer = (fault: Conformance.Fault, sent: number): Promise<{ readonly statusCode: number }> => {
  switch (fault) {
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

const layerOf = (fault: Conformance.Fault) => {
  let sent = 0
  const client = new ServerRuntimeClient({
    dsn: "http://public@127.0.0.1:9/1",
    integrations: [],
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (options) => createTransport(options, () => answer(fault, sent++))
  })
  client.init()
  return Sentry.layer({ client, threshold: "Info", flushWithin: Duration.millis(20), onLost: () => undefined })
}

describe("Sentry.layer changes nothing, whatever its transport does", () => {
  it.live.each(Conformance.faults)("that %s", (fault) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Conformance.violations(() => layerOf(fault)), [])
    })
  )

  it.live.prop(
    "for any program",
    { steps: Arbitrary.schema(Schema.Array(Conformance.Step)), fault: Schema.Literals([...Conformance.faults]) },
    ({ fault, steps }) =>
      Effect.gen(function* () {
        const differences = yield* Conformance.differences(Conformance.programOf(steps), layerOf(fault))
        assert.deepStrictEqual(differences, [])
      }),
    { arbitrary: { runs: 50 } }
  )
})
