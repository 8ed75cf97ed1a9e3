import { assert, describe, it } from "@effect/vitest"
import * as Pino from "@redrive/pino/Pino"
import * as Conformance from "@redrive/testing/Conformance"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Writable } from "node:stream"
import pino from "pino"

const streamOf = (fault: Conformance.Fault): pino.DestinationStream => {
  switch (fault) {
    case "throws":
      return {
        write: () => {
          throw new Error("no")
        }
      }
    case "rejects":
      return new Writable({ write: (_, __, done) => done(new Error("no")) })
    case "never settles":
      return new Writable({ write: () => undefined })
    case "full":
      return pino.destination({ dest: "/dev/full", sync: false })
  }
}

const layerOf = (fault: Conformance.Fault) =>
  // Without options, pino takes what only writes for its options, and writes to stdout.
  Pino.layer(pino({}, streamOf(fault)), {
    cap: { most: 100, window: Duration.minutes(1) },
    flushWithin: Duration.millis(20),
    onLost: () => undefined
  })

describe("Pino.layer changes nothing, whatever its stream does", () => {
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
