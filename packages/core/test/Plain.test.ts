import { assert, describe, it } from "@effect/vitest"
import * as Plain from "@redrive/core/Plain"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const nested = (depth: number): unknown => (depth === 0 ? "bottom" : { in: nested(depth - 1) })

describe("plain data", () => {
  it("is what it was, if it was plain", () => {
    for (const value of ["a", 1, true, null, [1, "b"], { a: { b: [] } }])
      assert.deepStrictEqual(Plain.make(value), value)
  })

  it.each([
    [undefined, null],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
    [10n, "10"],
    [Symbol("s"), "Symbol(s)"],
    [function named() {}, "[function named]"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date(NaN), "invalid date"],
    [Duration.seconds(90), "1m 30s"],
    [DateTime.makeUnsafe(0), "1970-01-01T00:00:00.000Z"],
    [new TypeError("no"), "TypeError: no"],
    [new Uint8Array(5), "[5 bytes]"],
    [new Set([1, 2]), [1, 2]],
    [new Map([["a", 1]]), { a: 1 }],
    [Redacted.make("x"), "<redacted>"]
  ])("says what JSON cannot: %s", (value, expected) => {
    assert.deepStrictEqual(Plain.make(value), expected)
  })

  it("is bounded, and says what is left out", () => {
    assert.deepStrictEqual(Plain.make(Array.from({ length: 100 }, (_, n) => n)), [
      ...Array.from({ length: 64 }, (_, n) => n),
      "… 36 more"
    ])
    const wide = Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`k${n}`, n]))
    assert.deepInclude(Plain.make(wide), { k63: 63, "…": "6 more" })
    assert.notProperty(Plain.make(wide), "k64")
    assert.include(JSON.stringify(Plain.make(nested(10))), '{"in":"{…}"}')
    const bush = Array.from({ length: 60 }, () => Array.from({ length: 60 }, () => "x".repeat(3000)))
    assert.isBelow(JSON.stringify(Plain.make(bush)).length, 1_300_000)
    assert.match(Plain.text("x".repeat(10_000_000)), /^x{2000}… \(10000000 characters\)$/)
  })

  it("hides what must not be shown: by name, by value, and in URLs", () => {
    const secrets = [Redacted.make("hunter22")]
    const value = { password: "p", apiKey: 7, note: "say hunter22", url: "https://u:p@a.example/b?token=t" }
    assert.deepStrictEqual(Plain.make(value, { secrets }), {
      password: "<redacted>",
      apiKey: "<redacted>",
      note: "say <redacted>",
      url: "https://a.example/b"
    })
    assert.strictEqual(Plain.text("Authorization: Bearer abc.def", { secrets }), "Authorization: Bearer <redacted>")
  })

  it("has no number that JSON has not", () => {
    assert.deepStrictEqual(Plain.make([-0, NaN, Infinity, 1e21, Number.MIN_VALUE]), [
      0,
      "NaN",
      "Infinity",
      1e21,
      5e-324
    ])
    assert.isTrue(Object.is(Plain.make(-0), 0))
  })

  it("survives what does not want to be read", () => {
    const circular: { self?: unknown } = {}
    circular.self = [circular]
    assert.deepStrictEqual(Plain.make(circular), { self: ["circular"] })
    const shared = { a: 1 }
    assert.deepStrictEqual(Plain.make([shared, shared]), [shared, shared])
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const throwing = {
      get a() {
        throw new Error("no")
      },
      b: 1
    }
    const polluting: unknown = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}')
    assert.deepStrictEqual(Plain.make([proxy, throwing, polluting]), [
      "unreadable",
      { a: "unreadable", b: 1 },
      { a: 1 }
    ])
    assert.isUndefined(Reflect.get({}, "polluted"))
    assert.deepStrictEqual(Plain.make(Object.create(null, { a: { value: 1, enumerable: true } })), { a: 1 })
  })

  it.prop(
    "always goes through JSON unchanged, whatever it was made of",
    { value: Arbitrary.schema(Schema.Json) },
    ({ value }) => {
      const odd = { value, list: [value, undefined, 1n, Symbol.iterator, new Map([[value, value]])] }
      const made = Plain.make(odd)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(made)), made)
      assert.deepStrictEqual(Plain.make(made), made)
    }
  )
})
