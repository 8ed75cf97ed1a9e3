import { assert, describe, it } from "@effect/vitest"
import * as Pino from "@redrive/pino/Pino"
import * as Duration from "effect/Duration"
import pino from "pino"

const logger = pino({ level: "silent" })

// Called as an untyped program would call it.
const layer = (options: unknown) => () => Pino.layer(logger, options as never)

/** Refused options, and the message for each. */
const refused: ReadonlyArray<readonly [make: () => unknown, ...says: ReadonlyArray<string>]> = [
  [layer({ stream: process.stderr }), "Pino.layer:", "stream is unknown; allowed: cap, flushTimeout, onLost, sample"],
  [layer({ flushTimeout: "soon" }), `flushTimeout is "soon"; allowed: a duration that is not negative`],
  [layer({ flushTimeout: -1 }), "flushTimeout is -1; allowed"],
  [layer({ sample: 0.5 }), "sample is 0.5; allowed: an object of Fatal"],
  [
    () => Pino.layer({} as never),
    "Pino.layer:",
    "logger is an object; allowed: a pino with the levels trace, debug, info, warn, error and fatal"
  ],
  [
    () => Pino.layer(pino({ level: "foo", customLevels: { foo: 35 }, useOnlyCustomLevels: true })),
    "allowed: a pino with the levels trace, debug, info"
  ],
  [() => Pino.logger(logger, { caps: 1 } as never), "Pino.logger:", "caps is unknown"]
]

describe("options", () => {
  for (const [make, ...says] of refused) {
    it(`are refused when the adapter is made: ${says.join(", ")}`, () => {
      for (const one of says) assert.throws(make, one)
    })
  }

  it("are accepted when they are right", () => {
    Pino.layer(logger)
    Pino.layer(pino({ level: "silent", customLevels: { foo: 35 } }))
    Pino.layer(logger, { sample: { Debug: 0.5 }, flushTimeout: Duration.seconds(1) })
    Pino.logger(logger, { onLost: () => undefined, cap: { most: 1, window: Duration.minutes(1) } })
  })
})
