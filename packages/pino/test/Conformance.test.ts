import { assert, describe, it } from "@effect/vitest"
import * as Pino from "@redrive/pino/Pino"
import * as Conformance from "@redrive/testing/Conformance"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
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

describe("Pino.layer changes nothing, and hears all", () => {
  it.live.each(Conformance.tests(adapterOf))("%s", ([, check]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* check, [])
    })
  )
})
