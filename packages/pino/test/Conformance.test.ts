import { assert, describe, it } from "@effect/vitest"
import * as Pino from "@redrive/pino/Pino"
import * as Conformance from "@redrive/testing/Conformance"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Writable } from "node:stream"
import pino from "pino"

const streamOf = (sink: Conformance.Sink, taken: Array<string>): pino.DestinationStream => {
  switch (sink) {
    case "sound":
      return { write: (line: string) => void taken.push(line) }
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

const adapterOf = (sink: Conformance.Sink): Conformance.Adapter => {
  const taken: Array<string> = []
  let lost = 0
  // Without options, pino takes what only writes for its options, and writes to stdout.
  const layer = Pino.layer(pino({}, streamOf(sink, taken)), {
    flushTimeout: Duration.millis(10),
    onLost: (lines) => (lost += lines)
  })
  return { layer, taken: () => taken.splice(0), lost: () => lost }
}

describe("Pino.layer changes nothing, whatever its stream does", () => {
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
