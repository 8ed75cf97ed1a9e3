import { assert, describe, it } from "@effect/vitest"
import * as Log from "@redrive/log/Log"
import type * as Destination from "@redrive/log/Destination"
import * as Conformance from "@redrive/testing/Conformance"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
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

describe("Log.layer changes nothing, and hears all", () => {
  it.live.each(Conformance.tests(adapterOf))("%s", ([, check]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* check, [])
    })
  )
})
