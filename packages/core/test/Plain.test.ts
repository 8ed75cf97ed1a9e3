import { assert, describe, it } from "@effect/vitest"
import { runInNewContext } from "node:vm"
import * as Plain from "@redrive/core/Plain"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as EffectHeaders from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Redactable from "effect/Redactable"
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
    [Redacted.make("x"), "<redacted>"],
    [new URL("https://u:p@example.com/a?b=c"), "https://example.com/a"],
    [/a+/gi, "/a+/gi"],
    [new Headers({ accept: "*/*", cookie: "a=b" }), { accept: "*/*", cookie: "<redacted>" }],
    [new URLSearchParams("a=1&token=x"), { a: "1", token: "<redacted>" }],
    [
      new URLSearchParams("a=1&a=2"),
      [
        ["a", "1"],
        ["a", "2"]
      ]
    ],
    [new Map([[{ id: 1 }, "one"]]), [[{ id: 1 }, "one"]]],
    [
      new Map<unknown, string>([
        [1, "number"],
        ["1", "text"]
      ]),
      [
        [1, "number"],
        ["1", "text"]
      ]
    ],
    [new Map([["password", "x"]]), { password: "<redacted>" }],
    [new Request("https://example.com/a?b=c", { method: "PUT" }), "PUT https://example.com/a"],
    [new Response(null, { status: 503 }), "503"],
    [Promise.resolve(1), "[Promise]"],
    [new WeakMap(), "[WeakMap]"],
    [Object("boxed"), "boxed"],
    [new ArrayBuffer(7), "[7 bytes]"],
    [runInNewContext("new TypeError('no')"), "TypeError: no"],
    [runInNewContext("new Date(0)"), "1970-01-01T00:00:00.000Z"],
    [runInNewContext("new Map([['a', new Set([1])]])"), { a: [1] }],
    [Option.some(1), { _id: "Option", _tag: "Some", value: 1 }],
    [Object.assign(new (class extends Error {})("no"), { toJSON: () => "everything" }), "Error: no"],
    [new (class DataLoss extends Error {})("disk full"), "DataLoss: disk full"]
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

  it("hides the values of secret names in pairs and lists, and shows counts", () => {
    const pairs = {
      auth: { user: "u", pass: "p1" },
      tokens: { access: "p2" },
      headers: [
        { name: "Authorization", value: "p3" },
        { key: "X-Api-Key", value: ["p4"] }
      ],
      entries: [["cookie", "p5"]],
      raw: ["Host", "a.example", "Set-Cookie", "p6", "Accept", "*/*"],
      names: ["password", "email", "name"],
      vary: ["Cookie", "Accept"],
      argv: ["node", "cli.js", "--password", "p7", "--verbose"],
      options: Object.entries({ password: "p9horse", user: "ann" }),
      lists: [
        ["token", "p10"],
        [1, 2]
      ],
      aws: { Key: "DB_PASSWORD", Value: "p8" },
      flags: { hasPassword: false, withCredentials: true, token: null },
      openai: {
        completion_tokens_details: { reasoning_tokens: 1 },
        tokens: 5n,
        inputTokens: { total: 6, noCache: undefined }
      },
      usage: { input_tokens: 12, tokens: 20, token_count: 3, max_tokens: 4096 },
      pages: { passed: 3, bypass: true, compass: "north" }
    }
    const shown = Plain.make(pairs)
    assert.notMatch(JSON.stringify(shown), /p\d/)
    assert.deepInclude(shown, {
      auth: { user: "u", pass: "<redacted>" },
      headers: [
        { name: "Authorization", value: "<redacted>" },
        { key: "X-Api-Key", value: "<redacted>" }
      ],
      raw: ["Host", "a.example", "Set-Cookie", "<redacted>", "Accept", "*/*"],
      names: pairs.names,
      vary: pairs.vary,
      argv: ["node", "cli.js", "--password", "<redacted>", "--verbose"],
      lists: [
        ["token", "<redacted>"],
        [1, 2]
      ],
      options: [
        ["password", "<redacted>"],
        ["user", "ann"]
      ],
      aws: { Key: "DB_PASSWORD", Value: "<redacted>" },
      flags: pairs.flags,
      openai: {
        completion_tokens_details: { reasoning_tokens: 1 },
        tokens: "5",
        inputTokens: { total: 6, noCache: null }
      },
      usage: pairs.usage,
      pages: pairs.pages
    })
  })

  it("is what a value says of itself: redacted in its context, then as JSON", () => {
    const headers = EffectHeaders.fromInput({ authorization: "a", "x-tenant-sig": "b", accept: "c" })
    const context = Context.make(EffectHeaders.CurrentRedactedNames, ["x-tenant-sig"])
    assert.deepInclude(Plain.make({ headers }, { context }), {
      headers: { authorization: "<redacted>", "x-tenant-sig": "<redacted>", accept: "c" }
    })
    assert.deepInclude(Plain.make(headers), { authorization: "<redacted>", "x-tenant-sig": "b" })
    class Card {
      number = "4242";
      [Redactable.symbolRedactable](): unknown {
        return { number: "****", toJSON: () => "card" }
      }
      toJSON() {
        return this
      }
    }
    class User {
      ssn = "123"
      card = new Card()
      toJSON() {
        return { card: this.card, password: "x" }
      }
    }
    assert.deepStrictEqual(Plain.make([new User(), new Card()]), [{ card: "card", password: "<redacted>" }, "card"])
    const endless: object = { [Redactable.symbolRedactable]: () => ({ ...endless }), a: 1 }
    assert.deepStrictEqual(Plain.make(endless), { a: 1 })
    const itself = { a: 1, toJSON: () => itself }
    assert.property(Plain.make(itself), "a")
    const throwing = {
      toJSON: () => {
        throw new Error("no")
      }
    }
    assert.deepStrictEqual(Plain.make([throwing, { toJSON: () => null }]), ["unreadable", null])
    const form = { a: 1, [Symbol.toStringTag]: "FormData" }
    assert.deepStrictEqual(Plain.make([form, new TypeError("")]), [{ a: 1 }, "TypeError"])
  })

  it("is well-formed, wherever it is cut and whatever came in", () => {
    const halves = "\ud83d and \ude00"
    for (let padding = 1990; padding < 2005; padding++) {
      const text = `${"a".repeat(padding)}${"\u{1f600}".repeat(20)}`
      for (const short of [Plain.text(text), Plain.cut(text, padding + 1)]) {
        assert.isTrue(short.isWellFormed(), `${padding}`)
        assert.notInclude(short, "\ufffd")
      }
    }
    assert.strictEqual(Plain.text(halves), "\ufffd and \ufffd")
    const value = { [`${"n".repeat(199)}\u{1f600}`]: halves, [halves]: [halves], error: new Error(halves) }
    const wide = Array.from({ length: 64 }, () => "\u{1f600}".repeat(257))
    assert.notMatch(JSON.stringify([Plain.make(value), Plain.make(wide)]), /\\ud[89a-f]/i)
  })

  it("is made of several objects under the limits of one", () => {
    const all = Plain.fieldsOfAll([{ a: 1, b: 2 }, { b: 3, list: Array.from({ length: 70 }, () => 0) }, { token: "x" }])
    assert.deepInclude(all, { a: 1, b: 3, token: "<redacted>" })
    assert.strictEqual((all["list"] as ReadonlyArray<unknown>).at(-1), "… 6 more")
    const wide = Plain.fieldsOfAll(Array.from({ length: 70 }, (_, n) => ({ [`k${n}`]: n })))
    assert.deepInclude(wide, { k63: 63, "…": "6 more" })
  })

  it("keeps names apart that were shortened", () => {
    const long = "n".repeat(200)
    const names = Object.keys(Plain.fields({ [`${long}a`]: 1, [`${long}b`]: 2, "…": 3 }))
    assert.deepStrictEqual(names, [`${long}…`, `${long}…_`, "…"])
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
