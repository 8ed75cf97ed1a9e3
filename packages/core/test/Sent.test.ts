import { assert, describe, it } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
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
  "a refusal of ours": { _tag: "Refused", because: "breaker", message: "refused: breaker" },
  "the same in what gave up": {
    _tag: "RetryExhausted",
    attempts: [],
    failure: { _tag: "Refused", because: "bulkhead", message: "refused: bulkhead" }
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
  "a refusal of somebody else": { _tag: "Refused", because: "fraud" },
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

describe("a creation", () => {
  it("refused by a status in 400-499 had no effect, although it was sent", () => {
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
