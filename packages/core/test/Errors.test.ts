import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Schema from "effect/Schema"

const url = "https://user:password@example.com:8443/a?token=secret#part"
const seconds = Duration.seconds

const host = (status: number, retryAfter?: Duration.Duration, detail?: string) =>
  new ItemError.HostReturnedError({
    status,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(detail === undefined ? {} : { detail })
  })

const item = (reason: ItemError.Reason) => new ItemError.ItemError({ jobId: "j1", itemId: "i1", url, reason })

const job = (reason: JobError.Reason, operation: JobError.Operation = "poll") =>
  new JobError.JobError({ operation, jobId: "j1", reason })

describe("an item error reads from the catalogue", () => {
  type Row = readonly [reason: ItemError.Reason, detail: string | undefined, verdict: Verdict.Verdict, actor: string]
  const rows: ReadonlyArray<Row> = [
    [host(404), "not_found", Verdict.permanent, "nobody"],
    [host(410), "gone", Verdict.permanent, "nobody"],
    [host(402), "payment_required", Verdict.parked("pay the site"), "caller"],
    [host(408), "request_timeout", Verdict.transient("quick"), "nobody"],
    [host(413), "too_large_request", Verdict.permanent, "caller"],
    [host(413, seconds(9)), "too_large_request", Verdict.throttled(seconds(9)), "caller"],
    [host(418), "client_error", Verdict.permanent, "caller"],
    [host(429), "rate_limited", Verdict.throttled(), "caller"],
    [host(429, seconds(7)), "rate_limited", Verdict.throttled(seconds(7)), "caller"],
    [host(500), "server_error", Verdict.transient("steady", 2), "site owner"],
    [host(502, seconds(3)), "bad_gateway", Verdict.throttled(seconds(3)), "site owner"],
    [host(404, seconds(3)), "not_found", Verdict.permanent, "nobody"],
    [host(503), "unavailable", Verdict.throttled(), "site owner"],
    [host(599), "server_error", Verdict.transient("steady", 2), "site owner"],
    [host(304), "unfollowed_redirect", Verdict.permanent, "caller"],
    [host(999), "odd_status", Verdict.permanent, "site owner"],
    [host(0), undefined, Verdict.transient("quick", 1), "site owner"],
    [host(0, undefined, "redirect_loop"), "redirect_loop", Verdict.permanent, "site owner"],
    [new ItemError.WebsiteAccessDenied({ status: 403 }), "forbidden", Verdict.permanent, "caller"],
    [new ItemError.WebsiteAccessDenied({ status: 0, detail: "robots" }), "robots", Verdict.permanent, "caller"],
    [
      new ItemError.NameNotResolved({ detail: "dns_unavailable" }),
      "dns_unavailable",
      Verdict.transient("slow"),
      "operator"
    ],
    [
      new ItemError.NameNotResolved({ lastError: "Connection refused" }),
      "connection_refused",
      Verdict.transient("slow"),
      "site owner"
    ],
    [new ItemError.InternalError({}), undefined, Verdict.transient("steady", 2), "operator"],
    [new ItemError.InternalError({ detail: "defect" }), "defect", Verdict.permanent, "operator"],
    [new ItemError.Unrecognized({ code: "geo_blocked" }), undefined, Verdict.permanent, "caller"]
  ]
  for (const [reason, detail, verdict, actor] of rows) {
    it(`${reason.message}: ${detail ?? "no detail"}, ${Verdict.format(verdict)}, ${actor}`, () => {
      const error = item(reason)
      assert.strictEqual(error.code, reason.code)
      assert.strictEqual(reason.detail, detail)
      assert.deepStrictEqual(error.verdict, verdict)
      assert.strictEqual(error.isRetryable, Verdict.isRetryable(verdict))
      assert.deepStrictEqual(error.retryAfter, Verdict.retryAfter(verdict))
      assert.strictEqual(error[ErrorReporter.attributes].actor, actor)
    })
  }

  it("has the page's text, or what the other side said", () => {
    assert.strictEqual(item(host(404)).lastError, "Webpage returned error status code: 404")
    const denied = new ItemError.WebsiteAccessDenied({ status: 403 })
    assert.strictEqual(item(denied).lastError, "Webpage returned access denied status code: 403")
    assert.strictEqual(item(new ItemError.NameNotResolved({})).lastError, "Connection refused")
    const noName = new ItemError.NameNotResolved({ detail: "dns_not_found" })
    assert.strictEqual(item(noName).lastError, "Host name could not be resolved: example.com:8443")
    assert.strictEqual(item(new ItemError.InternalError({ lastError: "out of memory" })).lastError, "out of memory")
  })

  it("says where without credentials, query and fragment", () => {
    const error = item(host(404))
    assert.strictEqual(error.message, "host_returned_error not_found 404 at https://example.com:8443/a")
    assert.deepStrictEqual(error[ErrorReporter.attributes], {
      level: "item",
      code: "host_returned_error",
      detail: "not_found",
      actor: "nobody",
      jobId: "j1",
      itemId: "i1",
      url: "https://example.com:8443/a",
      host: "example.com:8443"
    })
    assert.strictEqual(error[ErrorReporter.severity], "Info")
  })

  it("shows no secret of a URL that is none", () => {
    const error = new ItemError.ItemError({ url: "//user:password@host/a?token=secret", reason: host(404) })
    assert.notMatch(error.message, /password|secret/)
  })
})

describe("the detail of a reason", () => {
  it("is one field, whether it was given or found", () => {
    for (const [reason, detail] of [
      [new ItemError.HostReturnedError({ status: 404 }), "not_found"],
      [new ItemError.HostReturnedError({ status: 0, detail: "no_answer" }), "no_answer"],
      [new JobError.Unauthorized({}), "unauthorized"],
      [new JobError.InternalError({}), undefined]
    ] as const) {
      assert.deepStrictEqual({ ...reason }.detail, detail)
      assert.strictEqual(Object.hasOwn(reason, "detail"), detail !== undefined)
    }
  })
})

describe("a job error reads from the catalogue", () => {
  type Row = readonly [reason: JobError.Reason, code: string, detail: string | undefined, verdict: Verdict.Verdict]
  const rows: ReadonlyArray<Row> = [
    [new JobError.InsufficientBalance({}), "insufficient_balance", undefined, Verdict.parked("top up")],
    [new JobError.InvalidRequest({ field: "url" }), "invalid_request", undefined, Verdict.permanent],
    [new JobError.InternalError({}), "internal_error", undefined, Verdict.transient("steady")],
    [new JobError.Unauthorized({}), "invalid_request", "unauthorized", Verdict.parked("log in")],
    [new JobError.JobNotFound({}), "invalid_request", "job_not_found", Verdict.permanent],
    [
      new JobError.ApiThrottled({ retryAfter: seconds(4) }),
      "internal_error",
      "api_throttled",
      Verdict.throttled(seconds(4))
    ],
    [new JobError.ApiUnreachable({ sent: true }), "internal_error", "api_unreachable", Verdict.transient("quick")],
    [new JobError.MalformedResponse({ status: 200 }), "internal_error", "bad_response", Verdict.transient("quick", 1)],
    [new JobError.MalformedResponse({ status: 502 }), "internal_error", "api_unavailable", Verdict.transient("steady")],
    [new JobError.Unrecognized({ code: "teapot" }), "teapot", undefined, Verdict.permanent]
  ]
  for (const [reason, code, detail, verdict] of rows) {
    it(`${reason._tag}: ${code} ${detail ?? ""}`, () => {
      const error = job(reason)
      assert.deepStrictEqual([error.code, reason.detail, error.verdict], [code, detail, verdict])
    })
  }

  it("never allows a creation that may have happened to be sent again", () => {
    const verdict = (reason: JobError.Reason) => job(reason, "create").isRetryable
    assert.isFalse(verdict(new JobError.InternalError({})))
    assert.isFalse(verdict(new JobError.MalformedResponse({ status: 502 })))
    assert.isFalse(verdict(new JobError.ApiUnreachable({ sent: true })))
    assert.isTrue(verdict(new JobError.ApiUnreachable({ sent: false })))
    assert.isTrue(verdict(new JobError.ApiThrottled({})))
    assert.isTrue(job(new JobError.ApiUnreachable({ sent: true }), "create").isAmbiguous)
    assert.isFalse(job(new JobError.ApiUnreachable({ sent: true }), "poll").isAmbiguous)
    assert.isFalse(job(new JobError.Unrecognized({ code: "teapot", status: 418 }), "create").isAmbiguous)
    assert.isTrue(job(new JobError.Unrecognized({ code: "maintenance", status: 503 }), "create").isAmbiguous)
    assert.isTrue(job(new JobError.Unrecognized({ code: "maintenance" }), "create").isAmbiguous)
  })

  it("names the field, the call and the job", () => {
    const error = job(new JobError.InvalidRequest({ field: "whitelist_regexp" }), "create")
    assert.strictEqual(error.lastError, "whitelist_regexp is invalid")
    assert.strictEqual(error.message, "create of job j1 failed: invalid_request: whitelist_regexp is invalid")
    assert.strictEqual(job(new JobError.InvalidRequest({})).lastError, "request is invalid")
    assert.strictEqual(job(new JobError.InsufficientBalance({}))[ErrorReporter.severity], "Fatal")
  })
})

describe("Effect's operators for errors with reasons", () => {
  const failing: Effect.Effect<string, ItemError.ItemError> = Effect.fail(item(host(404)))

  it.effect("catch a reason by its tag", () =>
    Effect.gen(function* () {
      const caught = failing.pipe(
        Effect.catchReason("ItemError", "HostReturnedError", ({ status }) => Effect.succeed(`${status}`))
      )
      assert.strictEqual(yield* caught, "404")
      const other = failing.pipe(Effect.catchReason("ItemError", "NameNotResolved", () => Effect.succeed("no")))
      assert.isTrue(ItemError.isItemError(yield* Effect.flip(other)))
    })
  )

  it.effect("unwrap the reason, and catch the wrapper by its tag", () =>
    Effect.gen(function* () {
      const reason = yield* Effect.flip(Effect.unwrapReason(failing, "ItemError"))
      assert.strictEqual(reason._tag, "HostReturnedError")
      assert.strictEqual(
        yield* Effect.catchTag(failing, "ItemError", ({ code }) => Effect.succeed(code)),
        "host_returned_error"
      )
    })
  )
})

/** A verdict as JSON: durations have more than one form. */
const written = Schema.encodeSync(Schema.toCodecJson(Verdict.Verdict))

describe("errors survive a journey through JSON", () => {
  const travel = <A>(schema: Schema.Codec<A, unknown>, value: A): A => {
    const json = Schema.fromJsonString(Schema.toCodecJson(schema))
    return Schema.decodeSync(json)(Schema.encodeSync(json)(value))
  }

  it.prop("item errors", { reason: ItemError.Reason }, ({ reason }) => {
    const arrived = travel(ItemError.ItemError, item(reason))
    assert.instanceOf(arrived, ItemError.ItemError)
    assert.deepStrictEqual([arrived.url, arrived.jobId, arrived.itemId], [url, "j1", "i1"])
    assert.strictEqual(arrived.message, item(reason).message)
    assert.deepStrictEqual(written(arrived.verdict), written(reason.verdict))
    assert.strictEqual(arrived.lastError, item(reason).lastError)
  })

  it.prop("job errors", { reason: JobError.Reason, operation: JobError.Operation }, ({ operation, reason }) => {
    const arrived = travel(JobError.JobError, job(reason, operation))
    assert.strictEqual(arrived.message, job(reason, operation).message)
    assert.deepStrictEqual(written(arrived.verdict), written(job(reason, operation).verdict))
    assert.strictEqual(arrived.isAmbiguous, job(reason, operation).isAmbiguous)
  })
})
