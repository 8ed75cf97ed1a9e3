import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import * as ItemError from "@redrive/core/ItemError"
import * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as AiError from "effect/ai/AiError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as SqlError from "effect/sql/SqlError"
import * as TestClock from "effect/testing/TestClock"

const request = HttpClientRequest.get("http://example.com/")

const answered = (status: number, headers: Record<string, string> = {}) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.StatusCodeError({
      request,
      response: HttpClientResponse.fromWeb(request, new Response(undefined, { status, headers }))
    })
  })

const transport = (code: string) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      cause: new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) })
    })
  })

const ai = (reason: AiError.AiErrorReason) => new AiError.AiError({ module: "Test", method: "test", reason })
const sql = (reason: SqlError.SqlErrorReason) => new SqlError.SqlError({ reason })
const system = (_tag: PlatformError.SystemErrorTag) =>
  PlatformError.systemError({ _tag, module: "FileSystem", method: "open" })
const aws = (name: string, more: object) => Object.assign(new Error(name), { name, $fault: "server", ...more })

const { parked, permanent, throttled, transient } = Verdict

/** The time, in milliseconds, that this process has computed: what else runs on the machine does not count. */
const computed = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

describe("the verdict on a foreign failure", () => {
  const rows: ReadonlyArray<readonly [what: string, failure: unknown, expected: Verdict.Verdict]> = [
    ["AiError: rate limit", ai(new AiError.RateLimitError({})), throttled()],
    [
      "AiError: rate limit with a wait",
      ai(new AiError.RateLimitError({ retryAfter: Duration.seconds(30) })),
      throttled(Duration.seconds(30))
    ],
    ["AiError: quota, which no wait refills", ai(new AiError.QuotaExhaustedError({})), parked("raise the quota")],
    ["AiError: a wrong key", ai(new AiError.AuthenticationError({ kind: "InvalidKey" })), parked("log in")],
    ["AiError: refused content", ai(new AiError.ContentPolicyError({ description: "no" })), permanent],
    ["AiError: provider trouble", ai(new AiError.InternalProviderError({ description: "x" })), transient("steady")],
    ["SqlError: deadlock", sql(new SqlError.DeadlockError({ cause: "x" })), transient("quick")],
    ["SqlError: connection", sql(new SqlError.ConnectionError({ cause: "x" })), transient("steady")],
    ["SqlError: syntax", sql(new SqlError.SqlSyntaxError({ cause: "x" })), permanent],
    ["SqlError: login", sql(new SqlError.AuthenticationError({ cause: "x" })), parked("log in")],
    ["HttpClientError: 404", answered(404), permanent],
    ["HttpClientError: 403", answered(403), permanent],
    ["HttpClientError: 503", answered(503), throttled()],
    ["HttpClientError: 429 with a wait", answered(429, { "retry-after": "7" }), throttled(Duration.seconds(7))],
    ["HttpClientError: reset", transport("ECONNRESET"), transient("quick")],
    ["HttpClientError: refused", transport("ECONNREFUSED"), transient("quick")],
    ["HttpClientError: no such name", transport("ENOTFOUND"), transient("quick", 2)],
    [
      "RateLimiterError: over the limit",
      new RateLimiter.RateLimiterError({
        reason: new RateLimiter.RateLimitExceeded({ retryAfter: Duration.seconds(2), key: "k", limit: 1, remaining: 0 })
      }),
      throttled(Duration.seconds(2))
    ],
    [
      "RateLimiterError: its store",
      new RateLimiter.RateLimiterError({ reason: new RateLimiter.RateLimitStoreError({ message: "down" }) }),
      transient("steady")
    ],
    [
      "CircuitBreakerError: open",
      new CircuitBreaker.CircuitBreakerError({
        reason: new CircuitBreaker.CircuitOpen({ key: "k", retryAfter: Duration.seconds(9) })
      }),
      throttled(Duration.seconds(9))
    ],
    [
      "CircuitBreakerError: half open",
      new CircuitBreaker.CircuitBreakerError({ reason: new CircuitBreaker.CircuitHalfOpen({ key: "k" }) }),
      throttled()
    ],
    ["TimeoutError", new Cause.TimeoutError(), transient("steady")],
    ["PlatformError: busy", system("Busy"), transient("quick")],
    ["PlatformError: timed out", system("TimedOut"), transient("steady")],
    ["PlatformError: not found", system("NotFound"), permanent],
    ["PlatformError: a bad argument", PlatformError.badArgument({ module: "Path", method: "join" }), permanent],
    ["AWS: $retryable", aws("Busy", { $retryable: {} }), transient("quick")],
    ["AWS: $retryable throttling", aws("Slow", { $retryable: { throttling: true } }), throttled()],
    ["AWS: throttled by name", aws("ThrottlingException", { $metadata: { httpStatusCode: 400 } }), throttled()],
    ["AWS: by status", aws("InternalFailure", { $metadata: { httpStatusCode: 500 } }), transient("steady")],
    ["AWS: not found", aws("NoSuchKey", { $metadata: { httpStatusCode: 404 } }), permanent],
    [
      "a client that keeps the response",
      Object.assign(new Error("x"), { response: { status: 502 } }),
      transient("quick")
    ],
    ["a client that keeps the status", Object.assign(new Error("x"), { statusCode: 410 }), permanent],
    [
      "fetch",
      new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "EPIPE" }) }),
      transient("quick")
    ]
  ]
  for (const [what, failure, expected] of rows) {
    it(`${Verdict.format(expected)}: ${what}`, () => assert.deepStrictEqual(Judge.verdictOf(failure), expected))
  }

  describe("that Effect could not tell is what it wraps", () => {
    const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })
    const unknown = (cause: unknown) => sql(new SqlError.UnknownError({ cause }))
    const postgres = (state: string) => unknown(coded(state, { severity: "FATAL" }))
    const sqlite = (errcode: number) => coded("ERR_SQLITE_ERROR", { errcode })
    const answeredAi = (status: number) =>
      ai(AiError.reasonFromHttpStatus({ status, http: { response: { status, headers: {} } } }))
    const unknowns: ReadonlyArray<readonly [what: string, failure: unknown, expected: Verdict.Verdict]> = [
      ["57P01", postgres("57P01"), transient("steady")],
      ["57P03", postgres("57P03"), transient("steady")],
      ["53300", postgres("53300"), throttled()],
      ["23505", postgres("23505"), permanent],
      ["ECONNREFUSED", unknown(coded("ECONNREFUSED")), transient("quick")],
      ["SQLITE_BUSY", unknown(sqlite(5)), transient("quick")],
      ["SQLITE_LOCKED", unknown(sqlite(6)), transient("quick")],
      ["SQLITE_BUSY_SNAPSHOT", unknown(sqlite(517)), transient("quick")],
      ["SQLITE_LOCKED_SHAREDCACHE", unknown(sqlite(262)), transient("quick")],
      ["SQLITE_BUSY of another driver", unknown(coded("SQLITE_BUSY_TIMEOUT")), transient("quick")],
      ["SQLITE_FULL", unknown(sqlite(13)), permanent],
      ["nothing that is known", unknown("x"), permanent],
      ["the same, twice", unknown(unknown(new Error("x"))), permanent],
      ["an error of Effect's", unknown(sql(new SqlError.DeadlockError({ cause: "x" }))), transient("quick")],
      ["ECONNREFUSED, as a reason", new SqlError.UnknownError({ cause: coded("ECONNREFUSED") }), transient("quick")],
      ["an AiError's status 408", answeredAi(408), transient("quick")],
      ["an AiError's status 409", answeredAi(409), transient("steady", 2)],
      ["an AiError's status 404", answeredAi(404), permanent],
      ["an AiError without an answer", ai(new AiError.UnknownError({})), permanent],
      [
        "a PlatformError's ECONNREFUSED",
        PlatformError.systemError({ _tag: "Unknown", module: "Net", method: "connect", cause: coded("ECONNREFUSED") }),
        transient("quick")
      ],
      ["a PlatformError without a cause", system("Unknown"), transient("quick", 1)]
    ]
    for (const [what, failure, expected] of unknowns) {
      it(`${Verdict.format(expected)}: ${what}`, () => {
        assert.deepStrictEqual(Judge.verdictOf(failure), expected)
        assert.deepStrictEqual(Judge.verdictOf(new Error("in the repository", { cause: failure })), expected)
      })
    }
  })

  it("ends whatever a Proxy or a list pretends to be", () => {
    const endless: object = new Proxy(Object.create(null), { getPrototypeOf: () => endless })
    const deep: object = new Proxy({}, { getPrototypeOf: () => new Proxy(deep, {}) })
    const sparse = (length: number) => Object.assign([], { length, 0: Object.assign(new Error(), { code: "EPIPE" }) })
    const iterated = Object.assign([1], {
      *[Symbol.iterator]() {
        for (;;) yield 1
      }
    })
    const lists = [sparse(4_294_967_295), sparse(30_000_000), new Proxy([], { get: () => 4_294_967_295 }), iterated]
    const started = computed()
    for (const hostile of [endless, deep, ...lists]) {
      for (const failure of [
        hostile,
        { errors: hostile },
        { cause: hostile },
        { reasons: hostile },
        { headers: hostile }
      ]) {
        assert.isDefined(Judge.verdictOf(failure))
        assert.isDefined(Classify.thrown(failure))
        assert.isFalse(Classify.isUnsent(failure))
        assert.isDefined(Report.make(failure))
        assert.lengthOf(Report.fromCause(Cause.fail(failure)), 1)
        assert.isDefined(Plain.make(failure))
      }
    }
    assert.isBelow(computed() - started, 2000)
  })

  it("understands a Retry-After date where it is told the time", () => {
    const failure = answered(503, { "retry-after": "Tue, 24 Nov 2026 00:01:00 GMT" })
    assert.deepStrictEqual(Judge.verdictOf(failure), throttled())
    assert.deepStrictEqual(Judge.verdictOf(failure, { now: Date.UTC(2026, 10, 24) }), throttled(Duration.minutes(1)))
  })

  it("is read from what it says of itself", () => {
    assert.deepStrictEqual(Judge.verdictOf({ verdict: permanent, isRetryable: true }), permanent)
    assert.deepStrictEqual(
      Judge.verdictOf({ retryAfter: Duration.seconds(3), isRetryable: true }),
      throttled(Duration.seconds(3))
    )
    assert.deepStrictEqual(Judge.verdictOf({ isRetryable: true }), transient("steady"))
    assert.deepStrictEqual(Judge.verdictOf({ isRetryable: false, retryAfter: Duration.seconds(3) }), permanent)
    const error = new ItemError.ItemError({
      url: "http://x/",
      reason: new ItemError.HostReturnedError({ status: 408 })
    })
    assert.deepStrictEqual(Judge.verdictOf(error), transient("quick"))
  })

  it("that says nothing, or throws when asked, is one quick retry", () => {
    const hostile = {
      get verdict() {
        throw new Error("no")
      }
    }
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const silent = ["x", null, undefined, 7, {}, { verdict: "yes" }, { isRetryable: "yes" }, hostile, revoked.proxy]
    for (const failure of [
      ...silent,
      { status: 200 },
      { status: "404" },
      { _tag: "AiError", reason: { _tag: "toString" } }
    ]) {
      assert.deepStrictEqual(Judge.verdictOf(failure), transient("quick", 1))
    }
  })
})

describe("a reader", () => {
  const busy: Judge.Reader = (failure) => (failure === "busy" ? throttled(Duration.seconds(1)) : undefined)
  const rude: Judge.Reader = () => {
    throw new Error("rude")
  }

  it("is asked first, and may throw", () => {
    assert.deepStrictEqual(Judge.verdictOf("busy", { readers: [rude, busy] }), throttled(Duration.seconds(1)))
    assert.deepStrictEqual(Judge.verdictOf({ isRetryable: false }, { readers: [rude, busy] }), permanent)
  })

  it.effect("teaches the program a failure; the last one taught wins", () =>
    Effect.gen(function* () {
      const never: Judge.Reader = (failure) => (failure === "busy" ? permanent : undefined)
      const judged = Judge.judge("busy")
      assert.deepStrictEqual(yield* judged, transient("quick", 1))
      assert.deepStrictEqual(yield* Effect.provide(judged, Judge.layer(busy)), throttled(Duration.seconds(1)))
      const both = Judge.layer(never).pipe(Layer.provideMerge(Judge.layer(busy)))
      assert.deepStrictEqual(yield* Effect.provide(judged, both), permanent)
    })
  )

  it.effect("judges by the fiber's clock", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 24))
      const verdict = yield* Judge.judge(answered(503, { "retry-after": "Tue, 24 Nov 2026 00:00:30 GMT" }))
      assert.deepStrictEqual(verdict, throttled(Duration.seconds(30)))
    })
  )
})

describe("a verdict", () => {
  it("reads as a few words", () => {
    const words = [
      Verdict.transient("slow"),
      Verdict.transient("quick", 1),
      Verdict.throttled(),
      Verdict.throttled(Duration.seconds(90)),
      Verdict.parked("top up"),
      Verdict.permanent
    ]
    assert.deepStrictEqual(words.map(Verdict.format), [
      "slow retry",
      "quick retry, at most 1",
      "wait, then retry",
      "wait 1m 30s, then retry",
      "parked until top up",
      "give up"
    ])
  })

  it("of a failure's own is one by the schema, and no other", () => {
    const isVerdict = Schema.is(Verdict.Verdict)
    const absent = Symbol("absent")
    const parts = {
      _tag: ["Transient", "Throttled", "Parked", "Permanent", "Other", absent],
      pace: ["quick", "steady", "slow", "fast", undefined, absent],
      limit: [0, -1, 1.5, 2 ** 60, "1", undefined, absent],
      retryAfter: [Duration.seconds(1), Duration.infinity, 1000, undefined, absent],
      until: ["top up", "", 1, undefined, absent]
    }
    let all: ReadonlyArray<object> = [{}]
    for (const [name, values] of Object.entries(parts))
      all = all.flatMap((one) => values.map((value) => (value === absent ? one : { ...one, [name]: value })))
    const inherited = all.map((one) => Object.create(one) as object)
    const wrong = [...all, ...inherited, [], "Permanent", null].filter(
      (own) => (Judge.verdictOf({ verdict: own }) === own) !== isVerdict(own)
    )
    assert.deepStrictEqual(wrong, [])
    assert.isAbove(all.filter(isVerdict).length, 100)
  })
})
