import { assert, describe, it } from "@effect/vitest"
import * as Sentry from "@redrive/sentry/Sentry"
import * as Duration from "effect/Duration"

// Called as an untyped program would call it.
const layer = (options: unknown) => () => Sentry.layer(options as never)

/** Refused options, and the message for each. */
const refused: ReadonlyArray<readonly [make: () => unknown, ...says: ReadonlyArray<string>]> = [
  [
    layer({ dsn: "https://key@sentry.example/1" }),
    "Sentry.layer:",
    "dsn is unknown; allowed: client, threshold, capacity, flushTimeout"
  ],
  [layer({ threshold: "error" }), `threshold is "error"; allowed: Fatal, Error, Warn, Info, Debug, Trace`],
  [layer({ flushTimeout: "-1 second" }), `flushTimeout is "-1 second"; allowed: a duration that is not negative`],
  [layer({ capacity: 0, client: {} }), "capacity is 0; allowed: a whole number, 1 or more", "client is an object"],
  [layer({ onLost: true }), "onLost is true; allowed: a function"]
]

describe("options", () => {
  for (const [make, ...says] of refused) {
    it(`are refused when the adapter is made: ${says.join(", ")}`, () => {
      for (const one of says) assert.throws(make, one)
    })
  }

  it("are accepted when they are right", () => {
    Sentry.layer()
    Sentry.layer({ threshold: "Warn", capacity: 1, flushTimeout: Duration.seconds(1), onLost: () => undefined })
    Sentry.layer({ client: undefined })
  })
})
