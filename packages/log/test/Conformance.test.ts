import { assert, describe, it } from "@effect/vitest"
import * as Log from "@redrive/log/Log"
import type * as Destination from "@redrive/log/Destination"
import * as Conformance from "@redrive/testing/Conformance"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createWriteStream } from "node:fs"
import { Writable } from "node:stream"

const streamOf = (fault: Conformance.Fault): Destination.Stream => {
  switch (fault) {
    case "throws":
      return {
        write: () => {
          throw new Error("no")
        }
      }
    case "rejects":
      return { write: () => Promise.reject(new Error("no")) }
    case "never settles":
      return new Writable({ write: () => undefined })
    case "full":
      return createWriteStream("/dev/full")
  }
}

const layerOf = (fault: Conformance.Fault) =>
  Log.layer({
    stream: streamOf(fault),
    cap: { most: 100, window: Duration.minutes(1) },
    flushWithin: Duration.millis(20),
    onLost: () => undefined
  })

describe("Log.layer changes nothing, whatever its stream does", () => {
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
