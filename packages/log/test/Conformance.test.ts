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

const streamOf = (sink: Conformance.Sink, taken: Array<string>): Destination.Stream => {
  switch (sink) {
    case "sound":
      return { write: (line) => void taken.push(line) }
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

const adapterOf = (sink: Conformance.Sink): Conformance.Adapter => {
  const taken: Array<string> = []
  let lost = 0
  const layer = Log.layer({
    stream: streamOf(sink, taken),
    flushTimeout: Duration.millis(10),
    onLost: (lines) => (lost += lines)
  })
  return { layer, taken: () => taken.splice(0), lost: () => lost }
}

describe("Log.layer changes nothing, whatever its stream does", () => {
  it.live.each(Conformance.sinks)("that is, or %s", (sink) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Conformance.violations(() => adapterOf(sink)), [])
    })
  )

  it.live.prop(
    "for any program",
    { steps: Arbitrary.schema(Schema.Array(Conformance.Step)), sink: Schema.Literals([...Conformance.sinks]) },
    ({ sink, steps }) =>
      Effect.gen(function* () {
        const differences = yield* Conformance.differences(Conformance.programOf(steps), adapterOf(sink).layer)
        assert.deepStrictEqual(differences, [])
      }),
    { arbitrary: { runs: 50 } }
  )
})
