import { assert, describe, it } from "@effect/vitest"
import * as Format from "@redrive/log/Format"
import * as Log from "@redrive/log/Log"
import * as Duration from "effect/Duration"

// Called as an untyped program would call them.
const layer = (options: unknown) => () => Log.layer(options as never)

/** Refused options, and the message for each. */
const refused: ReadonlyArray<readonly [make: () => unknown, ...says: ReadonlyArray<string>]> = [
  [
    layer({ formt: "json" }),
    "Log.layer:",
    "formt is unknown; allowed: destination, stream, format, colors, sample, cap"
  ],
  [layer({ format: "jsn" }), `format is "jsn"; allowed: auto, pretty, json, a function`],
  [
    layer({ flushTimeout: Duration.seconds(-1) }),
    "flushTimeout is -1000 millis; allowed: a duration that is not negative"
  ],
  [
    layer({ stream: "stderr", destination: {} }),
    `stream is "stderr"; allowed: an object with the method write`,
    "destination is an object"
  ],
  [
    layer({ sample: { Info: 2, Warning: 1 } }),
    "sample.Info is 2; allowed: a number, 0 to 1",
    "sample.Warning is unknown"
  ],
  [layer({ cap: { most: -1 } }), "cap.most is -1", "cap.window is missing"],
  [
    layer({ colors: "always", onLost: 5 }),
    `colors is "always"; allowed: true, false`,
    "onLost is 5; allowed: a function"
  ],
  [() => Format.ecs({ servce: "a" } as never), "Format.ecs:", "servce is unknown; allowed: service, version"],
  [() => Format.gcp({ project: 5 } as never), "Format.gcp:", "project is 5; allowed: a text"],
  [() => Format.terminal({ width: NaN }), "Format.terminal:", "width is NaN; allowed: a number, 0 or more"],
  [() => Log.logger({ level: "Info" } as never), "Log.logger:", "level is unknown"]
]

describe("options", () => {
  for (const [make, ...says] of refused) {
    it(`are refused when the adapter is made: ${says.join(", ")}`, () => {
      for (const one of says) assert.throws(make, one)
    })
  }

  it("are accepted when they are right", () => {
    const cap = { most: 1, window: Duration.minutes(1) }
    Log.layer()
    for (const format of [Format.otel, Format.ecs, Format.gcp, Format.datadog]) format({ service: "a", version: "1" })
    Format.gcp({ project: "p" })
    Format.terminal({ colors: true, width: Infinity })
    Log.layer({ stream: process.stderr, format: "json", colors: false, sample: { Debug: 0.5 }, cap })
    Log.logger({ format: () => "", flushTimeout: Duration.infinity, onLost: () => undefined, cap: undefined })
  })
})
