import { assert, describe, it } from "@effect/vitest"
import * as Conformance from "@redrive/testing/Conformance"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as Layer from "effect/Layer"

// Called as an untyped program would call it.
const layer = (options: unknown) => () => HostileSite.layer(options as never)

/** Refused options, and the message for each. */
const refused: ReadonlyArray<readonly [make: () => unknown, ...says: ReadonlyArray<string>]> = [
  [layer({ sede: 1 }), "HostileSite:", "sede is unknown; allowed: seed, retryAfter, delay, hugeBytes"],
  [layer({ seed: "one" }), `seed is "one"; allowed: a whole number`],
  [
    layer({ retryAfter: -1, delay: "long" }),
    "retryAfter is -1; allowed: a duration",
    `delay is "long"; allowed: a duration`
  ],
  [layer({ hugeBytes: -1 }), "hugeBytes is -1; allowed: a whole number, 0 or more"],
  [() => Conformance.violations(() => Layer.empty, { within: 1 } as never), "Conformance:", "within is unknown"]
]

describe("options", () => {
  for (const [make, ...says] of refused) {
    it(`are refused when the adapter is made: ${says.join(", ")}`, () => {
      for (const one of says) assert.throws(make, one)
    })
  }

  it("are accepted when they are right", () => {
    HostileSite.layer()
    HostileSite.layer({ seed: -3, retryAfter: "1 second", delay: 0, hugeBytes: 0 })
    assert.isDefined(Conformance.violations(() => Layer.empty, { closesWithin: undefined }))
  })
})
