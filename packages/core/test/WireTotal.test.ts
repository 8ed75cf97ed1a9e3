import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import type * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"))

const item = (rest: object) => ({ id: "i1", status: "error", original_url: "https://example.com/", ...rest })
const job = (items: ReadonlyArray<object>, rest: object = {}) => ({
  id: "j1",
  status: "done",
  job_items: items,
  ...rest
})

const read = (json: unknown) => Result.getOrThrow(Wire.readJob(json))
const refused = (json: unknown) => {
  const result = Wire.readJob(json)
  return Result.isFailure(result) ? result.failure.lastError : assert.fail("it was read")
}

describe("reading a job", () => {
  it("gives the job, and no warning where there is nothing to warn of", () => {
    const { job, warnings } = read(fixture("job"))
    assert.strictEqual(job.outcome, "partial")
    assert.isEmpty(warnings)
  })

  it("warns of what contradicts itself, and of what is not known here, each once", () => {
    const odd = [
      item({ status: "done", error_code: "host_returned_error" }),
      item({ status: "done", error_code: "host_returned_error" }),
      item({ error_code: "" }),
      item({ error_code: "geo_blocked" })
    ]
    const { job: found, warnings } = read(job(odd, { error_code: "internal_error" }))
    assert.deepStrictEqual(warnings, [
      "the job is done, yet has error_code internal_error",
      "an item is done, yet has error_code host_returned_error",
      "an item is in error, yet has no error_code",
      "error_code geo_blocked is not known here"
    ])
    // The status won.
    assert.deepStrictEqual(
      found.items.map(({ error }) => error?.code),
      [undefined, undefined, "", "geo_blocked"]
    )
  })

  it("warns within bounds, whatever a provider invents", () => {
    const many = Array.from({ length: 1000 }, (_, index) => item({ error_code: `${index}${"x".repeat(100_000)}` }))
    const { warnings } = read(job(many))
    assert.isAtMost(warnings.length, 8)
    assert.isBelow(warnings.join("").length, 20_000)
  })

  it("names the first field that does not fit, and says nothing of its value", () => {
    assert.strictEqual(
      refused(job([item({}), item({ depth: "deep" })])),
      "the answer is no job: see its job_items.1.depth"
    )
    assert.strictEqual(refused({ status: "done" }), "the answer is no job")
    assert.strictEqual(refused({ id: "j1", status: "asleep" }), "the answer is no job: see its status")
    for (const none of [null, undefined, 7, "job", [], [[]], true])
      assert.include(refused(none), "the answer is no job")
    const result = Wire.readJob([])
    assert.isTrue(Result.isFailure(result) && result.failure instanceof JobError.MalformedResponse)
  })

  it("takes a value of any depth and size, in its place and out of it", () => {
    const deep = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`)
    const deepObject = JSON.parse(`${'{"job_items":'.repeat(50_000)}null${"}".repeat(50_000)}`)
    assert.include(refused(deep), "no job")
    assert.include(refused(deepObject), "no job")
    assert.include(refused(job([item({ links: deep })])), "no job")
    assert.include(refused(job([item({ title: deep })])), "no job")
    assert.strictEqual(read(job([item({ extra: deep })], { extra: deep })).job.items.length, 1)
    const long = "x".repeat(10_000_000)
    assert.include(refused({ id: "j1", status: long }), "no job")
    assert.strictEqual(read(job([item({ error_code: long })])).job.items[0]?.error?.code, long)
  })

  it("of hostile objects throws nothing", () => {
    const getter = {
      id: "j1",
      get status() {
        throw new Error("no")
      }
    }
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    for (const value of [getter, revoked.proxy, job([revoked.proxy])]) assert.include(refused(value), "no job")
  })
})

describe("decoding is total", () => {
  const anything = Schema.Json
  // Half of all cases: any JSON. The others: a job of which any one part was replaced by any JSON, which reaches deeper.
  it.prop("over any JSON", { json: anything }, ({ json }) => void Wire.readJob(json), { arbitrary: { runs: 50_000 } })

  const template = JSON.stringify(fixture("job"))
  const paths = pathsOf(JSON.parse(template))
  // A job is read field by field where that goes well; the codec is what it means.
  const decode = Schema.decodeUnknownResult(Wire.JobBody)
  const parts = { at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: paths.length - 1 })) }
  it.prop(
    "and reads what the codec reads",
    { json: anything, ...parts },
    ({ at, json }) => {
      const [broken, same] = [JSON.parse(template), JSON.parse(template)]
      for (const one of [broken, same]) replace(one, paths[at] ?? [], json)
      const result = Wire.readJob(broken)
      const expected = decode(same)
      assert.strictEqual(Result.isSuccess(result), Result.isSuccess(expected))
      if (Result.isSuccess(result)) assert.deepStrictEqual(result.success.job, Result.getOrThrow(expected))
    },
    { arbitrary: { runs: 3000 } }
  )

  it("and reads each field as the codec does, absent, null, undefined or of any kind", () => {
    const values = [
      undefined,
      null,
      "",
      "x",
      "done",
      "markdown",
      "2026-01-02",
      -0,
      1.5,
      2 ** 60,
      NaN,
      true,
      [],
      ["html"],
      {}
    ]
    for (const path of paths.filter((path) => path.length > 0)) {
      for (const value of values) {
        const broken = JSON.parse(template)
        replace(broken, path, value)
        const result = Wire.readJob(broken)
        const expected = decode(broken)
        assert.strictEqual(
          Result.isSuccess(result),
          Result.isSuccess(expected),
          `${path.join(".")}: ${JSON.stringify(value)}`
        )
        if (Result.isSuccess(result)) assert.deepStrictEqual(result.success.job, Result.getOrThrow(expected))
      }
    }
  })

  it.prop(
    "over a job of which any part is any JSON",
    { json: anything, ...parts },
    ({ at, json }) => {
      const broken = JSON.parse(template)
      replace(broken, paths[at] ?? [], json)
      const result = Wire.readJob(broken)
      if (Result.isSuccess(result)) assert.isTrue(Schema.is(Schema.toType(Wire.JobBody))(result.success.job))
    },
    { arbitrary: { runs: 60_000 } }
  )
})

describe("the extended codes", () => {
  const closed = Schema.toCodecJson(Wire.ItemBody)
  const extended = Schema.toCodecJson(Wire.ExtendedItemBody)
  const later = {
    timeout_error: ["host_returned_error", "response_timeout"],
    ssl_cert_error: ["host_returned_error", "tls_certificate"],
    webpage_non_success: ["host_returned_error", "no_answer"],
    duplicate_item: ["host_returned_error", "duplicate"],
    blocked_by_robots_txt: ["website_access_denied", "robots"],
    llm_max_context_length_error: ["internal_error", "context_length"]
  } as const

  for (const [code, [fallback, detail]] of Object.entries(later)) {
    it(`${code} is read as ${fallback}, written as such, and as itself where that was asked for`, () => {
      const decoded = Schema.decodeSync(closed)(item({ error_code: code }))
      assert.strictEqual(decoded.error?.code, fallback)
      assert.strictEqual(decoded.error?.reason.detail, detail)
      assert.deepInclude(Schema.encodeSync(closed)(decoded), { error_code: fallback, reason: detail })
      assert.deepInclude(Schema.encodeSync(extended)(decoded), { error_code: code, reason: detail })
    })
  }

  it("yield to a status, which says more", () => {
    const { error } = Schema.decodeSync(closed)(item({ error_code: "webpage_non_success", page_status_code: 503 }))
    assert.strictEqual(error?.reason.detail, "unavailable")
  })

  it("of a whole job are in its items", () => {
    const decoded = read(job([item({ error_code: "timeout_error" })])).job
    const codes = (json: unknown) =>
      (json as ReturnType<typeof job>).job_items.map((one) => Reflect.get(one, "error_code"))
    assert.deepStrictEqual(codes(encodeJob(Wire.JobBody, decoded)), ["host_returned_error"])
    assert.deepStrictEqual(codes(encodeJob(Wire.ExtendedJobBody, decoded)), ["timeout_error"])
  })
})

function encodeJob(codec: typeof Wire.JobBody, value: Job.Job): unknown {
  return Schema.encodeSync(Schema.toCodecJson(codec))(value)
}

/** The paths to every value within a value. */
function pathsOf(value: unknown): ReadonlyArray<ReadonlyArray<string>> {
  if (typeof value !== "object" || value === null) return [[]]
  return [[], ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner).map((path) => [key, ...path]))]
}

function replace(value: Record<string, unknown>, [key, ...rest]: ReadonlyArray<string>, by: unknown): void {
  if (key === undefined) return
  if (rest.length === 0) value[key] = by
  else replace(value[key] as Record<string, unknown>, rest, by)
}
