import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"))

const decodeJob = Schema.decodeUnknownSync(Schema.toCodecJson(Wire.JobBody))
const encodeJob = Schema.encodeSync(Schema.toCodecJson(Wire.JobBody))
const decodeItem = Schema.decodeUnknownSync(Schema.toCodecJson(Wire.ItemBody))

const encodeItem = Schema.encodeSync(Schema.toCodecJson(Wire.ItemBody))

/** An item as a provider may send it: what is not said is left out. */
const itemOf = (rest: object) =>
  decodeItem({ id: "i1", status: "error", original_url: "https://example.com/", ...rest })

describe("the error page's shapes", () => {
  const envelopes: ReadonlyArray<readonly [name: string, reason: JobError.Reason]> = [
    ["insufficient_balance", new JobError.InsufficientBalance({})],
    ["invalid_request", new JobError.InvalidRequest({ field: "whitelist_regexp" })],
    ["internal_error", new JobError.InternalError({})]
  ]
  for (const [name, reason] of envelopes) {
    it(`job: ${name}`, () => {
      assert.deepStrictEqual(Wire.envelope(reason), fixture(`job-${name}`))
      assert.strictEqual(Wire.readReason({ status: 200, body: fixture(`job-${name}`) })._tag, reason._tag)
    })
  }

  const items: ReadonlyArray<readonly [name: string, tag: string, status: number]> = [
    ["host_returned_error", "HostReturnedError", 404],
    ["website_access_denied", "WebsiteAccessDenied", 403],
    ["name_not_resolved", "NameNotResolved", 0],
    ["internal_error", "InternalError", 0]
  ]
  for (const [name, tag, status] of items) {
    it(`item: ${name}, both ways`, () => {
      const [shape] = fixture(`item-${name}`).job_items
      const { error } = itemOf(shape)
      assert.strictEqual(error?.reason._tag, tag)
      // The page leaves the status out; it is read from the text.
      assert.strictEqual(error !== undefined && "status" in error.reason ? error.reason.status : 0, status)
      const {
        error_code,
        last_error,
        status: state
      } = Schema.encodeSync(Schema.toCodecJson(Wire.ItemBody))(itemOf(shape)) as never
      assert.deepStrictEqual({ error_code, status: state, last_error }, shape)
    })
  }

  it("a whole job comes out as it went in", () => {
    const job = decodeJob(fixture("job"))
    assert.deepStrictEqual(encodeJob(job), fixture("job"))
    assert.strictEqual(job.outcome, "partial")
    assert.deepStrictEqual(job.failures[0]?.retryAfter, Duration.seconds(30))
  })
})

describe("what is written", () => {
  const closed = ["insufficient_balance", "invalid_request", "internal_error"]
  it.prop("has a code of the closed set, whatever the reason", { reason: JobError.Reason }, ({ reason }) => {
    assert.include(closed, Wire.envelope(reason).error_code)
  })

  it("hides an unknown code of an item behind internal_error, and keeps it as its reason", () => {
    const item = itemOf({ error_code: "geo_blocked", last_error: "not here" })
    assert.strictEqual(item.error?.reason._tag, "Unrecognized")
    const json = encodeItem(item)
    assert.deepInclude(json, { error_code: "internal_error", reason: "geo_blocked", last_error: "not here" })
  })

  it("says canceled for an item and cancelled for a job, as the API does", () => {
    const cancelled = decodeJob({ id: "j1", status: "canceled", job_items: [{ id: "i1", status: "cancelled" }] })
    const json = encodeJob(cancelled) as {
      readonly status: string
      readonly job_items: ReadonlyArray<{ readonly status: string }>
    }
    assert.deepStrictEqual([json.status, json.job_items[0]?.status], ["cancelled", "canceled"])
  })

  const items = Schema.Struct({
    error_code: Schema.Literals([
      "host_returned_error",
      "website_access_denied",
      "name_not_resolved",
      "internal_error"
    ]),
    page_status_code: Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 999 })),
    last_error: Schema.NonEmptyString,
    attempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10 })),
    reason: Schema.optionalKey(Schema.String)
  })
  it.prop("of an item is what was read", { json: items }, ({ json }) => {
    const written = encodeItem(itemOf(json))
    assert.deepInclude(written, json)
    assert.deepStrictEqual(encodeItem(decodeItem(JSON.parse(JSON.stringify(written)))), written)
  })
})

describe("what is read", () => {
  it("may leave out or null anything but an id and a status", () => {
    for (const rest of [{}, { job_items: null }, { job_items: [], created_at: "", error_code: null }]) {
      const job = decodeJob({ job_id: "j1", status: "new", ...rest })
      assert.deepStrictEqual([job.id, job.items, job.createdAt, job.error], ["j1", [], undefined, undefined])
    }
    assert.throws(() => decodeJob({ status: "new" }), /a job has an id/)
    assert.throws(() => decodeJob({ id: "j1", status: "lost" }))
  })

  it("takes empty, null and absent codes for no error, and an item's status over its code", () => {
    for (const rest of [{}, { error_code: "" }, { error_code: null }]) {
      assert.isUndefined(itemOf({ status: "done", ...rest }).error)
    }
    assert.isUndefined(itemOf({ status: "done", error_code: "internal_error" }).error)
    assert.strictEqual(itemOf({ status: "error" }).error?.reason._tag, "Unrecognized")
  })

  it("keeps a job's error with its code and text", () => {
    const job = decodeJob({ id: "j1", status: "error", error_code: "insufficient_balance", error_message: "empty" })
    assert.deepInclude({ ...job.error }, { _tag: "InsufficientBalance", lastError: "empty" })
    assert.strictEqual(decodeJob({ id: "j1", status: "error" }).error?._tag, "InternalError")
    assert.strictEqual(job.outcome, "not run")
  })

  it("keeps the reason, the wait and the attempts that a service of ours adds", () => {
    const item = itemOf({
      error_code: "host_returned_error",
      page_status_code: 429,
      reason: "rate_limited",
      retry_after_ms: 1500,
      attempts: 3
    })
    assert.strictEqual(item.attempts, 3)
    assert.deepStrictEqual(item.error?.retryAfter, Duration.millis(1500))
    assert.strictEqual(item.error?.reason.detail, "rate_limited")
  })
})

describe("an answer other than success", () => {
  type Row = readonly [status: number, body: unknown, tag: JobError.Reason["_tag"]]
  const rows: ReadonlyArray<Row> = [
    [400, {}, "InvalidRequest"],
    [401, { error_code: "invalid_request" }, "Unauthorized"],
    [402, "", "InsufficientBalance"],
    [403, {}, "Unauthorized"],
    [404, { message: "not found" }, "JobNotFound"],
    [429, "slow down", "ApiThrottled"],
    [429, { error_code: "internal_error", error_message: "x" }, "ApiThrottled"],
    [429, { error_code: "insufficient_balance" }, "InsufficientBalance"],
    [500, { error_code: "internal_error", error_message: "x" }, "InternalError"],
    [502, "<html>Bad Gateway</html>", "MalformedResponse"],
    [503, null, "MalformedResponse"],
    [418, { error_code: "teapot" }, "Unrecognized"],
    [200, { error_code: "invalid_request" }, "InvalidRequest"],
    [200, [1, 2], "MalformedResponse"]
  ]
  for (const [status, body, tag] of rows) {
    it(`${status} ${JSON.stringify(body)} is ${tag}`, () =>
      assert.strictEqual(Wire.readReason({ status, body })._tag, tag))
  }

  it("keeps what was said, in any of the three envelopes", () => {
    for (const body of [
      { error_code: "internal_error", error_message: "said" },
      { message: "said" },
      { error: "said" }
    ]) {
      assert.strictEqual(Wire.readReason({ status: 500, body }).lastError, "said")
    }
  })

  it.prop("is some reason, whatever JSON it is", { status: Schema.Int, body: Schema.Json }, ({ body, status }) => {
    assert.isTrue(Schema.is(JobError.Reason)(Wire.readReason({ status, body })))
  })
})

describe("a job", () => {
  const job = (status: Job.Status, ...items: ReadonlyArray<"done" | "error">) =>
    decodeJob({
      id: "j1",
      status,
      job_items: items.map((state, id) => ({ id: `${id}`, status: state, error_code: "internal_error" }))
    })

  it("amounts to what its items amount to", () => {
    assert.strictEqual(job("in_progress", "done").outcome, "running")
    assert.strictEqual(job("done", "done", "done").outcome, "ok")
    assert.strictEqual(job("done", "done", "error").outcome, "partial")
    assert.strictEqual(job("done", "error", "error").outcome, "all failed")
    assert.strictEqual(job("cancelled", "done").outcome, "not run")
    assert.isTrue(job("cancelled").isFinished)
    assert.isFalse(job("new").isFinished)
    assert.isTrue(job("done", "error").failures.every(ItemError.isItemError))
  })
})
