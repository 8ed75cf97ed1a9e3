import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Report from "@redrive/core/Report"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

const failing = new ItemError.ItemError({
  url: "https://example.com/a",
  reason: new ItemError.HostReturnedError({ status: 503 })
})

const givenUp = (failure: unknown, call: object) => ({ _tag: "RetryExhausted", failure, [Report.call]: call })

describe("the facts of a call in a report", () => {
  it("are attributes of what it failed with", () => {
    const call: Report.Call = {
      name: "page",
      key: "example.com",
      because: "retries",
      attempts: 4,
      duration: Duration.millis(1500.4),
      retryAt: DateTime.makeUnsafe(0),
      retryAfter: Duration.millis(30_000),
      until: "top up"
    }
    const { attributes, ...report } = Report.make(givenUp(failing, call))
    const { attributes: own, ...alone } = Report.make(failing)
    assert.deepStrictEqual(report, alone)
    assert.deepStrictEqual(attributes, {
      ...own,
      call: "page",
      key: "example.com",
      because: "retries",
      attempts: 4,
      duration_ms: 1500,
      retryAt: "1970-01-01T00:00:00.000Z",
      retryAfter: "30s",
      until: "top up"
    })
  })

  it("are left out where they are not known, or nothing that can be shown", () => {
    const facts = [
      {},
      {
        name: "",
        key: "",
        because: null,
        attempts: undefined,
        duration: 4,
        retryAt: {},
        retryAfter: [],
        until: Symbol("x")
      },
      { duration: Duration.infinity }
    ]
    for (const call of facts) assert.deepStrictEqual(Report.make(givenUp("x", call)).attributes, {})
  })

  it("cost no report, whatever they do when they are read", () => {
    const throwing = new Proxy({}, { get: () => assert.fail("no") })
    const hostile = {
      _tag: "RetryExhausted",
      failure: failing,
      get [Report.call]() {
        return assert.fail("no")
      }
    }
    const endless: { [name: string]: unknown } = { _tag: "RetryExhausted" }
    endless["failure"] = endless
    assert.deepStrictEqual(Report.make(givenUp(failing, throwing)), Report.make(failing))
    assert.deepStrictEqual(Report.make(hostile), Report.make(failing))
    assert.strictEqual(Report.make(endless).level, "program")
    let deep: unknown = failing
    for (let depth = 0; depth < 100; depth++) deep = givenUp(deep, { name: `call ${depth}`, because: "retries" })
    assert.strictEqual(Report.make(deep).attributes["outer_call"], "call 99")
  })

  it("are bounded, and show no secret", () => {
    const call = { name: "n".repeat(9999), key: "k?token=hunter2hunter2".repeat(999), until: "password=hunter2hunter2" }
    const report = Report.make(Object.assign(new Error("x"), { [Report.call]: call }))
    assert.isBelow(JSON.stringify(report.attributes).length, 7000)
    assert.notInclude(JSON.stringify(report), "hunter2")
  })

  it("make the class of a failure only if that is the engine's own", () => {
    const of = (call: object) => Report.make(Object.assign(new Error("x"), { [Report.call]: call }))
    const plain = Report.make(new Error("x"))
    for (const engine of [undefined, "rejected", 1]) {
      const { attributes, fingerprint, ...report } = of({ name: "page", key: "a.example", because: "retries", engine })
      assert.deepStrictEqual(attributes, { call: "page", key: "a.example", because: "retries" })
      assert.strictEqual(fingerprint, plain.fingerprint)
      assert.notProperty(report, "engine")
      assert.notProperty(report, "host")
    }
    const own = of({ name: "page", key: "https://u:p@a.example:8443/x", because: "breaker", engine: "refused" })
    assert.deepInclude(own, { engine: "refused", host: "a.example:8443" })
    assert.notStrictEqual(own.fingerprint, plain.fingerprint)
  })

  it("name a host only by a key that is one", () => {
    const hostOf = (key: string) =>
      Report.make(Object.assign(new Error("x"), { [Report.call]: { name: "page", key, engine: "refused" } })).host
    const hosts =
      "a.example A.EXAMPLE:80 localhost:3000 10.0.0.1 [::1]:80 https://a.example/b?c=d redis://a.example:6379"
    const expected = "a.example a.example:80 localhost:3000 10.0.0.1 [::1]:80 a.example a.example:6379"
    assert.strictEqual(hosts.split(" ").map(hostOf).join(" "), expected)
    for (const key of [
      "",
      "17",
      "1.5",
      "billing",
      "user 17",
      "ann@a.example",
      "a.b/c",
      "://",
      "a".repeat(9999) + ".b"
    ]) {
      assert.isUndefined(hostOf(key), key)
    }
  })

  it("never take the place of the failure's own", () => {
    const own = Object.assign(new Error("x"), { syscall: "connect", port: 1, address: "::1" })
    const report = Report.make(givenUp(own, { name: "page", because: "retries" }))
    assert.deepInclude(report.attributes, { syscall: "connect", port: 1, address: "::1", call: "page" })
  })
})
