import { assert, describe, it } from "@effect/vitest"
import * as Catalogue from "@redrive/core/Catalogue"
import * as Classify from "@redrive/core/Classify"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Stream from "effect/Stream"

const coded = (code: string, syscall?: string, message = `${syscall ?? ""} ${code}`) =>
  Object.assign(new Error(message), { code }, syscall === undefined ? {} : { syscall })

const refused = () => coded("ECONNREFUSED", "connect")
const reset = () => coded("ECONNRESET", "read")
const fetchFailed = (cause: unknown) => new TypeError("fetch failed", { cause })

/** Wraps as axios and got do: with the code and the message, but without the system call. */
const copied = (cause: Error & { readonly code: string }, more: object = {}) =>
  Object.assign(new Error(cause.message, { cause }), { name: "AxiosError", code: cause.code }, more)

/** A timeout of got: two errors, both with the phase that took too long. */
const gotTimeout = (event: string) => {
  const make = () =>
    Object.assign(new Error(`Timeout awaiting '${event}' for 150ms`), {
      name: "TimeoutError",
      code: "ETIMEDOUT",
      event
    })
  return Object.assign(make(), { cause: make() })
}

const post = HttpClientRequest.post("http://127.0.0.1/")
const clientError = (reason: HttpClientError.HttpClientErrorReason) => new HttpClientError.HttpClientError({ reason })

const cutHandshake = "Client network socket disconnected before secure TLS connection was established"

const certificates =
  "CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT_LOCALLY ERR_TLS_CERT_ALTNAME_INVALID HOSTNAME_MISMATCH"

const unsent: { readonly [what: string]: unknown } = {
  "a refused connection": refused(),
  "the same without its system call": coded("ECONNREFUSED"),
  "the same in fetch": fetchFailed(refused()),
  "the same in axios and got": copied(refused()),
  "a reset while connecting": coded("ECONNRESET", "connect"),
  "a time-out while connecting": coded("ETIMEDOUT", "connect"),
  "the same in axios": copied(coded("ETIMEDOUT", "connect")),
  "no way while connecting": coded("EHOSTUNREACH", "connect"),
  "no file left to connect with": coded("EMFILE", "connect"),
  "a name that does not exist": coded("ENOTFOUND", "getaddrinfo"),
  "a name that does not exist, of a resolver of one's own": coded("ENOTFOUND"),
  "a resolver that fails": coded("ESERVFAIL", "queryA"),
  "a resolver that refuses": coded("ECONNREFUSED", "queryAaaa"),
  "a lookup to be tried again": coded("EAI_AGAIN"),
  "undici's connect time-out": fetchFailed(coded("UND_ERR_CONNECT_TIMEOUT")),
  "Node.js's for one address": coded("ERR_SOCKET_CONNECTION_TIMEOUT"),
  "a handshake that is cut": coded("ECONNRESET", undefined, cutHandshake),
  "such a handshake in axios and got": copied(coded("ECONNRESET", undefined, cutHandshake)),
  "two addresses that refuse": new AggregateError([refused(), refused()]),
  "the same as Node.js throws it": fetchFailed(
    Object.assign(new AggregateError([refused(), coded("ENETUNREACH", "connect")]), { code: "ECONNREFUSED" })
  ),
  "the same in an aggregate of an aggregate": new AggregateError([
    new AggregateError([refused()]),
    fetchFailed(refused())
  ]),
  "one error twice": (() => {
    const error = refused()
    return new AggregateError([error, error])
  })(),
  "got's lookup": gotTimeout("lookup"),
  "got's connect": gotTimeout("connect"),
  "got's handshake": gotTimeout("secureConnect"),
  "a URL that is none": coded("ERR_INVALID_URL"),
  "such a URL in fetch": new TypeError("Failed to parse URL from x", { cause: coded("ERR_INVALID_URL") }),
  "Effect's InvalidUrlError": clientError(new HttpClientError.InvalidUrlError({ request: post })),
  "Effect's EncodeError": clientError(new HttpClientError.EncodeError({ request: post })),
  "Effect's TransportError of a refused connection": clientError(
    new HttpClientError.TransportError({ request: post, cause: fetchFailed(refused()) })
  ),
  "a failure in a Cause": Cause.fail(refused()),
  "a rate limit of Effect's": new RateLimiter.RateLimiterError({
    reason: new RateLimiter.RateLimitExceeded({ key: "k", retryAfter: Duration.seconds(1), limit: 1, remaining: 0 })
  }),
  "an open breaker of Effect's": new CircuitBreaker.CircuitBreakerError({
    reason: new CircuitBreaker.CircuitOpen({ key: "k", retryAfter: Duration.seconds(1) })
  }),
  "a breaker of Effect's that is probed": { _tag: "CircuitBreakerError", reason: { _tag: "CircuitHalfOpen" } },
  "a refusal of ours": { _tag: "Refused", because: "breaker", [Report.call]: { name: "page", engine: "refused" } },
  "the same in what gave up": {
    _tag: "RetryExhausted",
    attempts: [],
    failure: { _tag: "Refused", because: "bulkhead", [Report.call]: { name: "page", engine: "refused" } }
  },
  "an item's error": new ItemError.ItemError({ url: "http://127.0.0.1/", reason: Classify.thrown(refused()) }),
  "a job's error": new JobError.JobError({ operation: "create", reason: new JobError.ApiUnreachable({ sent: false }) }),
  ...Object.fromEntries(certificates.split(" ").map((code) => [`the certificate: ${code}`, fetchFailed(coded(code))]))
}

const mayBeSent: { readonly [what: string]: unknown } = {
  nothing: undefined,
  "a text": "ECONNREFUSED",
  "a bug": new RangeError("too deep"),
  "a reset": reset(),
  "a reset without its system call": coded("ECONNRESET"),
  "a pipe": coded("EPIPE", "write"),
  "a host that became unreachable": coded("EHOSTUNREACH", "read"),
  "a network that became unreachable": coded("ENETUNREACH", "write"),
  "a datagram that is refused": coded("ECONNREFUSED", "recvmsg"),
  "silence on a connection": coded("ETIMEDOUT", "read"),
  "got's answer": gotTimeout("response"),
  "got's whole request": gotTimeout("request"),
  "got's sending": gotTimeout("send"),
  "axios with clarifyTimeoutError": Object.assign(new Error("timeout of 150ms exceeded"), {
    name: "AxiosError",
    code: "ETIMEDOUT",
    request: {}
  }),
  "axios without": coded("ECONNABORTED"),
  "mssql's time-out of a request": coded("ETIMEOUT"),
  "an API's own code": coded("UNABLE_TO_CHARGE"),
  "headers that are late": coded("UND_ERR_HEADERS_TIMEOUT"),
  "a body that is late": fetchFailed(coded("UND_ERR_BODY_TIMEOUT")),
  "undici's socket": fetchFailed(coded("UND_ERR_SOCKET")),
  "a record that is no TLS": coded("ERR_SSL_BAD_RECORD_TYPE"),
  "an alert of the server's": coded("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"),
  "a protocol error": coded("EPROTO", "write"),
  "a time-out of ours": new DOMException("late", "TimeoutError"),
  "a time-out of Effect's": new Cause.TimeoutError(),
  "an abort": new DOMException("stop", "AbortError"),
  "a wrapper that quotes the handshake": new Error(`failed: ${cutHandshake}`),
  "an answer": { status: 503 },
  "an answer that wraps a refused connection": { status: 503, cause: refused() },
  "a good answer that could not be read": Object.assign(refused(), { response: { status: 200 } }),
  "an answer of AWS": { $metadata: { httpStatusCode: 500 } },
  "a redirect to nowhere in fetch": fetchFailed(coded("ERR_INVALID_URL")),
  "a redirect to nowhere in axios": copied(coded("ERR_FR_REDIRECTION_FAILURE"), { cause: coded("ERR_INVALID_URL") }),
  "a redirect to nowhere in got": copied(coded("ERR_INVALID_URL"), { response: { statusCode: 307 } }),
  "a refused connection after a redirect of axios": copied(refused(), { request: { _redirectCount: 1 } }),
  "the same of got": copied(refused(), { request: { retryCount: 0, redirectUrls: [new URL("http://127.0.0.1/")] } }),
  "the second try of got": copied(refused(), { request: { retryCount: 1, redirectUrls: [] } }),
  "the third try of AWS": Object.assign(refused(), { $metadata: { attempts: 3 } }),
  "the second try of a policy": { _tag: "RetryExhausted", attempts: [{}, {}], failure: refused() },
  "a stream that fails while Node.js sends it": clientError(
    new HttpClientError.EncodeError({
      request: HttpClientRequest.bodyStream(post, Stream.empty),
      cause: new Error("x")
    })
  ),
  "an EncodeError of somebody else": { _tag: "EncodeError" },
  "a refusal that says nothing of its engine": { _tag: "Refused", [Report.call]: { name: "page" } },
  "a refusal of somebody else": { _tag: "Refused", because: "fraud", message: "refused: fraud" },
  "a limit's store": { _tag: "RateLimiterError", reason: { _tag: "RateLimitStoreError" } },
  "a job's error": new JobError.JobError({ operation: "create", reason: new JobError.ApiUnreachable({ sent: true }) }),
  "no members": new AggregateError([]),
  "a refused connection and nothing that is known": new AggregateError([refused(), new Error("x")]),
  "a refused connection and no error": new AggregateError([refused(), undefined]),
  "two failures in a Cause": Cause.combine(Cause.fail(refused()), Cause.die(new Error("x")))
}

describe("nothing was sent, as is proved", () => {
  for (const [what, failure] of Object.entries(unsent)) {
    it(`by ${what}`, () => {
      assert.isTrue(Classify.isUnsent(failure))
      assert.isTrue(Classify.isUnsent(new Error("x", { cause: { _tag: "Wrapped", error: failure } })))
      assert.isFalse(Classify.isAmbiguous(failure))
    })
  }
})

describe("something may have been sent, since nothing excludes it", () => {
  for (const [what, failure] of Object.entries(mayBeSent)) {
    it(`by ${what}`, () => {
      assert.isFalse(Classify.isUnsent(failure))
      assert.isFalse(Classify.isUnsent(new Error("x", { cause: failure })))
      assert.isTrue(Classify.isAmbiguous(failure))
    })
  }

  it("by one member of an aggregate, in any position", () => {
    for (const failure of Object.values(mayBeSent)) {
      for (const members of [
        [refused(), failure],
        [failure, refused()],
        [refused(), fetchFailed(failure)],
        [new AggregateError([failure, refused()]), refused()],
        [refused(), new AggregateError([refused(), fetchFailed(new AggregateError([refused(), failure]))])]
      ]) {
        assert.isTrue(Classify.isAmbiguous(new AggregateError(members)))
        assert.isTrue(
          Classify.isAmbiguous(fetchFailed(Object.assign(new AggregateError(members), { code: "ECONNREFUSED" })))
        )
      }
    }
  })

  it("by a wrapped error whatever the outer code, and the other way round", () => {
    assert.isFalse(Classify.isUnsent(Object.assign(new Error("x", { cause: reset() }), { code: "ECONNREFUSED" })))
    assert.isFalse(Classify.isUnsent(Object.assign(new Error("x", { cause: refused() }), { code: "ECONNRESET" })))
  })

  it("when the failure cannot be read", () => {
    for (const name of ["code", "cause", "syscall", "message", "errors", "status", "response", "request"]) {
      const failure = Object.defineProperty(refused(), name, {
        get: () => {
          throw new Error("no")
        }
      })
      assert.isFalse(Classify.isUnsent(failure), name)
      assert.isTrue(Classify.isAmbiguous(failure), name)
    }
    const revoked = Proxy.revocable([], {})
    revoked.revoke()
    assert.isFalse(Classify.isUnsent(Object.assign(refused(), { errors: revoked.proxy })))
    assert.isFalse(Classify.isUnsent(revoked.proxy))
  })

  it("when the failure has more objects than are read", () => {
    const deep = (leaf: unknown, depth: number): unknown =>
      depth === 0 ? leaf : { code: "ECONNREFUSED", cause: deep(leaf, depth - 1) }
    assert.isTrue(Classify.isUnsent(deep(refused(), 60)))
    assert.isFalse(Classify.isUnsent(deep(reset(), 100)))
    assert.isFalse(Classify.isUnsent(new AggregateError(Array.from({ length: 1000 }, refused))))
  })

  it("in a failure with a cycle", () => {
    const cycle: Error & { cause?: unknown } = refused()
    cycle.cause = { cause: cycle }
    assert.isTrue(Classify.isUnsent(cycle))
    cycle.cause = { cause: cycle, error: reset() }
    assert.isFalse(Classify.isUnsent(cycle))
    const aggregate = new AggregateError([refused()])
    aggregate.errors.push(aggregate)
    assert.isFalse(Classify.isUnsent(aggregate))
  })

  it("in an aggregate that lost its members on a wire", () => {
    const codec = Schema.toCodecJson(ItemError.Reason)
    const arrived = (cause: unknown) => Schema.decodeSync(codec)(Schema.encodeSync(codec)(Classify.thrown(cause)))
    assert.isTrue(Classify.isUnsent(arrived(fetchFailed(refused()))))
    assert.isFalse(Classify.isUnsent(arrived(new AggregateError([refused(), new Error("x")]))))
    assert.isFalse(Classify.isUnsent(arrived(new AggregateError([refused(), reset()]))))
  })
})

describe("a connection or a lookup for something else than what was asked for", () => {
  const url = "http://127.0.0.1:8080/create?x=1"
  const at = (more: object, failure: Error = refused()) => Object.assign(failure, more)
  const cut = () => coded("ECONNRESET", undefined, cutHandshake)
  const late = (said: string) =>
    coded("UND_ERR_CONNECT_TIMEOUT", undefined, `Connect Timeout Error (${said}, timeout: 9ms)`)

  const rows: ReadonlyArray<readonly [what: string, asked: string, same: unknown, other: unknown]> = [
    ["port", url, at({ address: "127.0.0.1", port: 8080 }), at({ address: "127.0.0.1", port: 8081 })],
    ["usual port", "https://a.test/", at({ address: "10.0.0.1", port: 443 }), at({ address: "10.0.0.1", port: 80 })],
    ["address", url, at({ address: "127.0.0.1", port: 8080 }), at({ address: "127.0.0.2", port: 8080 })],
    ["IPv6 address", "http://[::1]/", at({ address: "::1", port: 80 }), at({ address: "::2", port: 80 })],
    ["name", "http://A.test/", coded("ENOTFOUND", "getaddrinfo"), at({ hostname: "b.test" }, coded("ENOTFOUND"))],
    ["name of a lookup", "http://a.test/", at({ hostname: "a.test" }), at({ hostname: "b.test" }, coded("EAI_AGAIN"))],
    ["host of a handshake", "https://a.test/", at({ host: "a.test", port: 443 }, cut()), at({ host: "b.test" }, cut())],
    [
      "address that undici says",
      url,
      late("attempted address: 127.0.0.1:8080"),
      late("attempted address: 127.0.0.1:81")
    ],
    [
      "addresses that undici says",
      "http://a.test/",
      late("attempted addresses: 10.0.0.1:80, ::1:80"),
      late("attempted addresses: 10.0.0.1:81, ::1:81")
    ],
    [
      "name that undici says",
      "http://a.test/",
      late("attempted address: a.test:80"),
      late("attempted address: b.test:80")
    ]
  ]
  for (const [what, asked, same, other] of rows) {
    it(`is seen by the ${what}`, () => {
      for (const failure of [same, fetchFailed(same), new AggregateError([same, refused()])]) {
        assert.isTrue(Classify.isUnsent(failure, { url: asked }))
        assert.isFalse(Classify.isAmbiguous(failure, { url: new URL(asked) }))
      }
      for (const failure of [other, fetchFailed(other), new AggregateError([refused(), other])]) {
        assert.isFalse(Classify.isUnsent(failure, { url: asked }))
        assert.isTrue(Classify.isAmbiguous(failure, { url: asked }))
      }
    })
  }

  it("is not seen where it is not said what was asked for", () => {
    for (const [, , , other] of rows) {
      for (const nothing of [undefined, {}, { url: undefined }, { url: "/create" }])
        assert.isTrue(Classify.isUnsent(other, nothing))
      assert.deepStrictEqual(
        [other].filter((failure, at) => Classify.isUnsent(failure, at as Classify.Asked)),
        [other]
      )
    }
  })

  it("is a redirect's URL that cannot be read, unless the one that was asked for cannot be", () => {
    const failure = coded("ERR_INVALID_URL")
    assert.isFalse(Classify.isUnsent(failure, { url }))
    assert.isTrue(Classify.isUnsent(failure, { url: "http://[bad" }))
  })
})

describe("what JSON leaves of an error", () => {
  it("is believed with its system call, and not for its code alone", () => {
    const one = Object.assign(refused(), { address: "127.0.0.1", port: 1 })
    const both = Object.assign(new AggregateError([one, reset()]), { code: "ECONNREFUSED" })
    for (const copy of [
      (error: object): unknown => JSON.parse(JSON.stringify(error)),
      (error: object) => ({ ...error })
    ]) {
      assert.isTrue(Classify.isUnsent(copy(one)))
      assert.deepStrictEqual(copy(both), { code: "ECONNREFUSED" })
      assert.isFalse(Classify.isUnsent(copy(both)))
    }
    assert.isTrue(Classify.isUnsent(Object.assign(new Error(), { code: "ECONNREFUSED" })))
    assert.isTrue(Classify.isUnsent({ name: "Error", message: "refused", code: "ECONNREFUSED" }))
  })
})

describe("what the catalogue says of a request", () => {
  const row = { verdict: Verdict.permanent, severity: "Warn", actor: "caller" } as const
  const catalogue = Catalogue.make({
    job: {
      stopped: {
        ...row,
        status: 500,
        message: "",
        meaning: "",
        details: {
          unsent: { ...row, request: "unsent" },
          refused: { ...row, request: "refused" },
          sent: { ...row, request: "sent" },
          unknown: { ...row, request: "unknown" }
        }
      }
    }
  })
  class Stopped extends Failure.Reason<Stopped>("t/Stopped")("Stopped", { catalogue, level: "job", code: "stopped" }) {}
  class StoppedError extends Failure.Job<StoppedError>("t/StoppedError")("StoppedError", catalogue, [Stopped]) {}
  const judged = (facts: { readonly detail?: string; readonly cause?: unknown }) => {
    const error = new StoppedError({ operation: "create", reason: new Stopped(facts) })
    return [Classify.isUnsent(error), Classify.isAmbiguous(error)]
  }

  it("is believed of a reason, of whatever catalogue", () => {
    assert.deepStrictEqual(
      ["unsent", "refused", "sent", "unknown"].map((detail) => judged({ detail })),
      [
        [true, false],
        [false, false],
        [false, true],
        [false, true]
      ]
    )
    assert.deepStrictEqual(judged({}), [false, true])
  })

  it("does not stand against what the reason wraps, if that may have been sent", () => {
    assert.deepStrictEqual(judged({ detail: "unsent", cause: reset() }), [false, true])
    assert.deepStrictEqual(judged({ detail: "unsent", cause: new Error("x") }), [false, true])
    assert.deepStrictEqual(judged({ detail: "sent", cause: refused() }), [false, true])
    assert.deepStrictEqual(judged({ detail: "unknown", cause: refused() }), [true, false])
  })

  it("decides about a job's creation", () => {
    const isAmbiguous = (reason: JobError.Reason) => new JobError.JobError({ operation: "create", reason }).isAmbiguous
    const rows: ReadonlyArray<readonly [reason: JobError.Reason, expected: boolean]> = [
      [new JobError.InsufficientBalance({}), false],
      [new JobError.InvalidRequest({}), false],
      [new JobError.Unauthorized({}), false],
      [new JobError.ApiThrottled({}), false],
      [new JobError.ApiUnreachable({ sent: false }), false],
      [new JobError.ApiUnreachable({ sent: true }), true],
      [new JobError.MalformedResponse({ status: 200 }), true],
      [new JobError.MalformedResponse({ status: 502 }), true],
      [new JobError.MalformedResponse({ status: 405 }), false],
      [new JobError.InternalError({}), true],
      // What failed behind the API says nothing about the request to it.
      [new JobError.InternalError({ cause: refused() }), true],
      [new JobError.Unrecognized({ code: "teapot", status: 418 }), false],
      [new JobError.Unrecognized({ code: "teapot", status: 499 }), true],
      [new JobError.Unrecognized({ code: "teapot" }), true]
    ]
    for (const [reason, expected] of rows) {
      assert.strictEqual(isAmbiguous(reason), expected, reason.message)
      assert.strictEqual(new JobError.JobError({ operation: "poll", reason }).isAmbiguous, false)
    }
  })

  it("is that nothing was sent only where the signals of a detail can show it", () => {
    for (const code of ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ETIMEOUT"]) {
      assert.isFalse(Classify.isUnsent(coded(code)))
      assert.isFalse(Classify.isUnsent(Classify.thrown(coded(code))))
    }
  })
})

describe("a list of members", () => {
  it("in which there is a hole proves nothing", () => {
    for (const errors of [Object.assign([], { length: 3 }), Object.assign([refused()], { length: 2 })]) {
      assert.isFalse(Classify.isUnsent({ errors }))
      assert.isFalse(Classify.isUnsent(Object.assign(new AggregateError([]), { errors, code: "ECONNREFUSED" })))
    }
  })
})

describe("a creation", () => {
  it("of which a client or a proxy gave up the answer may have happened, though its status is in 400-499", () => {
    const lost = [
      { status: 499 },
      { response: { status: 499 } },
      { status: 408, cause: new DOMException("late", "TimeoutError") },
      Object.assign(new Error("timeout"), { status: 408 })
    ]
    for (const failure of lost) assert.isTrue(Classify.isAmbiguous(failure))
    const answers = [
      { response: { status: 408 } },
      { status: 408, headers: {} },
      new Response(undefined, { status: 408 }),
      { $metadata: { httpStatusCode: 408, attempts: 1 } },
      { status: 498 }
    ]
    for (const failure of answers) assert.isFalse(Classify.isAmbiguous(failure))
  })

  it("may have happened before the request that was refused", () => {
    for (const later of [
      { response: { status: 429, redirected: true } },
      { status: 429, redirected: true },
      { response: { status: 429, source: { redirected: true } } },
      { statusCode: 404, context: { history: [new URL("http://a.test/"), new URL("http://a.test/b")] } },
      { response: { status: 400, request: { _redirectable: { _redirectCount: 1 } } } },
      { response: { statusCode: 400, redirectUrls: [new URL("http://a.test/")] } },
      { response: { statusCode: 400 }, request: { retryCount: 1, redirectUrls: [] } },
      { $metadata: { httpStatusCode: 400, attempts: 2 } },
      { retryCount: 5, cause: refused() }
    ]) {
      assert.isTrue(Classify.isAmbiguous(later), JSON.stringify(later))
      assert.isTrue(Classify.isAmbiguous(new Error("x", { cause: later })), JSON.stringify(later))
      assert.isFalse(Classify.isUnsent(later), JSON.stringify(later))
    }
  })

  it("that a status in 400-499 refused had no effect, though it was sent", () => {
    for (const failure of [
      { status: 400 },
      Object.assign(new Error("x"), { response: { status: 429 } }),
      { status: 404, cause: reset() },
      new ItemError.WebsiteAccessDenied({ status: 403 }),
      new AggregateError([{ status: 422 }, refused()])
    ]) {
      assert.isFalse(Classify.isAmbiguous(failure))
      assert.isFalse(Classify.isUnsent(failure))
    }
  })

  it("may have happened if one of two requests was not refused", () => {
    for (const other of [reset(), { status: 503 }, { status: 200 }, new Error("x")]) {
      assert.isTrue(Classify.isAmbiguous(new AggregateError([{ status: 400 }, other])))
      assert.isTrue(Classify.isAmbiguous(new AggregateError([other, { status: 400 }])))
    }
    assert.isTrue(Classify.isAmbiguous({ code: "ECONNRESET", cause: { status: 400 } }))
  })

  it("is decided by its own isAmbiguous, and by a part's only if that is true", () => {
    assert.isFalse(Classify.isAmbiguous({ isAmbiguous: false, cause: reset() }))
    assert.isTrue(Classify.isAmbiguous({ isAmbiguous: true, cause: refused() }))
    assert.isTrue(Classify.isAmbiguous({ code: "ECONNREFUSED", cause: { isAmbiguous: true } }))
    // A failed poll says nothing about the creation before it.
    assert.isTrue(Classify.isAmbiguous({ cause: { isAmbiguous: false, cause: reset() } }))
  })
})
