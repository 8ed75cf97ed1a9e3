import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import { Sink } from "@redrive/alert/Sink"
import * as Conformance from "@redrive/testing/Conformance"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"

const sendOf = (fault: Conformance.Fault, sent: number): Effect.Effect<void> => {
  switch (fault) {
    case "throws":
      throw new Error("no")
    case "rejects":
      return Effect.die(new Error("no"))
    case "never settles":
      return Effect.never
    case "full":
      return sent < 5 ? Effect.void : Effect.die(new Error("full"))
  }
}

const layerOf = (fault: Conformance.Fault) => {
  let sent = 0
  const sink = Layer.succeed(Sink, { send: () => sendOf(fault, sent++) })
  const options = { threshold: "Info", groupWait: "1 millis", flushTimeout: "20 millis" } as const
  return Alerter.layer(options).pipe(Layer.provide(sink), Layer.provide(Logger.layer([])))
}

describe("Alerter.layer changes nothing, whatever its sink does", () => {
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
