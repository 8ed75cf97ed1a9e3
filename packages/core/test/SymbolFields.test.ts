import { assert, describe, it } from "@effect/vitest"
import * as Catalogue from "@redrive/core/Catalogue"
import * as Failure from "@redrive/core/Failure"
import * as Verdict from "@redrive/core/Verdict"
import * as Schema from "effect/Schema"

const catalogue = Catalogue.make({
  item: {
    lost: {
      meaning: "It went away.",
      verdict: Verdict.permanent,
      severity: "Warn",
      actor: "caller",
      status: 200,
      message: "lost",
      details: {}
    }
  }
})

const identity = { catalogue, level: "item", code: "lost" } as const

const place: unique symbol = Symbol.for("test/place")

const fields = { disk: Schema.String, [place]: Schema.String }

class Lost extends Failure.Reason<Lost>("test/Lost")("Lost", identity, fields) {}

class Plain extends Schema.TaggedError<Plain>("test/Plain")("Lost", { ...fields, ...Failure.facts }) {}

describe("a reason with a field whose name is a symbol", () => {
  it("keeps it, as a class of Effect does", () => {
    const facts = { disk: "a", [place]: "rack 3" }
    assert.strictEqual(new Plain(facts)[place], "rack 3")
    assert.strictEqual(new Lost(facts)[place], "rack 3")
    assert.deepStrictEqual(Schema.encodeSync(Lost)(new Lost(facts)), Schema.encodeSync(Plain)(new Plain(facts)))
  })

  it("is not made without it, as a class of Effect is not", () => {
    const facts = { disk: "a" } as unknown as ConstructorParameters<typeof Lost>[0]
    assert.throws(() => new Plain(facts))
    assert.throws(() => new Lost(facts))
  })
})
