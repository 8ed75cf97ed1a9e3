import { createServer as createHttpServer, type RequestListener } from "node:http"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import * as ItemError from "@redrive/core/ItemError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })

/** As fetch wraps what its transport threw. */
const fetchFailed = (cause: unknown) => new TypeError("fetch failed", { cause })
const terminated = (cause: unknown) => new TypeError("terminated", { cause })

const meaning = (cause: unknown) => {
  const reason = Classify.thrown(cause)
  return `${reason.code}/${reason.detail}`
}

describe("what was thrown means", () => {
  const codes: { readonly [meaning: string]: string } = {
    "name_not_resolved/dns_not_found": "ENOTFOUND EAI_NONAME EAI_NODATA ENODATA ENONAME EBADNAME",
    "name_not_resolved/dns_unavailable": "EAI_AGAIN ESERVFAIL ETIMEOUT EREFUSED EAI_FAIL",
    "name_not_resolved/connection_refused": "ECONNREFUSED",
    "name_not_resolved/host_unreachable": "EHOSTUNREACH ENETUNREACH EHOSTDOWN EADDRNOTAVAIL",
    "host_returned_error/connect_timeout": "ETIMEDOUT UND_ERR_CONNECT_TIMEOUT",
    "host_returned_error/response_timeout": "UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT",
    "host_returned_error/connection_reset": "ECONNRESET EPIPE UND_ERR_SOCKET",
    "host_returned_error/truncated_body": "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
    "host_returned_error/tls_certificate":
      "CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE ERR_TLS_CERT_ALTNAME_INVALID",
    "host_returned_error/tls_interrupted":
      "ERR_SSL_BAD_RECORD_TYPE ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC ERR_SSL_UNEXPECTED_EOF_WHILE_READING ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR ERR_SSL_APPLICATION_DATA_AFTER_CLOSE_NOTIFY",
    "host_returned_error/bad_redirect": "ERR_FR_REDIRECTION_FAILURE",
    "host_returned_error/redirect_loop": "UND_ERR_REDIRECT_MAX ERR_FR_TOO_MANY_REDIRECTS",
    "host_returned_error/tls_handshake":
      "ERR_SSL_NO_SHARED_CIPHER ERR_SSL_UNSUPPORTED_PROTOCOL ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE ERR_SSL_WRONG_VERSION_NUMBER ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION EPROTO",
    "host_returned_error/bad_http": "HPE_INVALID_CONSTANT HPE_STRICT UND_ERR_HEADERS_OVERFLOW ERR_ASSERTION",
    "host_returned_error/bad_encoding": "Z_DATA_ERROR Z_BUF_ERROR ERR_BROTLI_DECODER_ERROR",
    "host_returned_error/too_large": "UND_ERR_RES_EXCEEDED_MAX_SIZE",
    "host_returned_error/bad_link": "ERR_INVALID_URL",
    "internal_error/network_down": "ENETDOWN",
    "internal_error/resources": "EMFILE ENFILE ENOMEM ENOBUFS EADDRINUSE EAI_MEMORY",
    "internal_error/proxy": "UND_ERR_PRX_TLS UND_ERR_SOCKS5_AUTH",
    "internal_error/defect": "UND_ERR_INVALID_ARG UND_ERR_CLOSED UND_ERR_DESTROYED",
    "internal_error/unknown": "EWHATEVER"
  }
  for (const [expected, list] of Object.entries(codes)) {
    it(`${expected}: ${list}`, () => {
      for (const code of list.split(" ")) {
        assert.strictEqual(meaning(coded(code)), expected, code)
        assert.strictEqual(meaning(fetchFailed(coded(code))), expected, `${code} in fetch`)
        assert.strictEqual(meaning(fetchFailed(new AggregateError([coded(code)]))), expected, `${code} in an aggregate`)
      }
    })
  }

  const others: ReadonlyArray<readonly [what: string, cause: unknown, expected: string]> = [
    ["a resolver that refuses", coded("ECONNREFUSED", { syscall: "queryA" }), "name_not_resolved/dns_unavailable"],
    ["a refused connection", coded("ECONNREFUSED", { syscall: "connect" }), "name_not_resolved/connection_refused"],
    ["a reset in the body", terminated(coded("ECONNRESET")), "host_returned_error/truncated_body"],
    ["a closed socket in the body", terminated(coded("UND_ERR_SOCKET")), "host_returned_error/truncated_body"],
    ["a bad encoding in the body", terminated(coded("Z_DATA_ERROR")), "host_returned_error/bad_encoding"],
    [
      "undici's parser",
      fetchFailed(Object.assign(new Error("x"), { name: "HTTPParserError" })),
      "host_returned_error/bad_http"
    ],
    [
      "a handshake that is cut",
      coded("ECONNRESET", {
        message: "Client network socket disconnected before secure TLS connection was established"
      }),
      "host_returned_error/tls_interrupted"
    ],
    ["silence on a connection", coded("ETIMEDOUT", { syscall: "read" }), "host_returned_error/response_timeout"],
    ["an abort", new DOMException("stop", "AbortError"), "internal_error/cancelled"],
    [
      "a proxy of ours",
      fetchFailed(new Error("Proxy response (502) !== 200 when HTTP Tunneling")),
      "internal_error/proxy"
    ],
    [
      "a proxy of ours that wants a login",
      fetchFailed(new Error("Proxy response (407) !== 200 when HTTP Tunneling")),
      "internal_error/proxy_login"
    ],
    ...[400, 403, 404, 451].map(
      (status) =>
        [
          `a proxy of ours that refuses (${status})`,
          fetchFailed(
            Object.assign(new Error(`Proxy response (${status}) !== 200 when HTTP Tunneling`), { name: "AbortError" })
          ),
          "internal_error/local_policy"
        ] as const
    ),
    ...[408, 429, 499, 503].map(
      (status) =>
        [
          `a proxy of ours that is busy (${status})`,
          fetchFailed(new Error(`Proxy response (${status}) !== 200 when HTTP Tunneling`)),
          "internal_error/proxy"
        ] as const
    ),
    [
      "TLS that is broken, in words",
      coded("EPROTO", { message: "write EPROTO 0:error:0A000438:SSL routines::tlsv1 alert internal error:" }),
      "host_returned_error/tls_interrupted"
    ],
    [
      "a redirect to a file",
      fetchFailed(new Error("URL scheme must be a HTTP(S) scheme")),
      "host_returned_error/bad_redirect"
    ],
    [
      "a wrapper whose message quotes a URL",
      new Error("GET http://x/redirect count exceeded", { cause: coded("ECONNRESET") }),
      "host_returned_error/connection_reset"
    ],
    [
      "a client's error with an answer",
      Object.assign(new Error("x"), { response: { status: 404 } }),
      "host_returned_error/not_found"
    ],
    ["the same with 403", Object.assign(new Error("x"), { statusCode: 403 }), "website_access_denied/forbidden"],
    ["too many redirects", fetchFailed(new Error("redirect count exceeded")), "host_returned_error/redirect_loop"],
    ["a strange scheme", fetchFailed(new Error("unknown scheme")), "host_returned_error/bad_link"],
    ["a timeout of ours", new DOMException("late", "TimeoutError"), "host_returned_error/response_timeout"],
    ["a timeout of Effect's", { _tag: "TimeoutError" }, "host_returned_error/response_timeout"],
    ["a text", "boom", "internal_error/unknown"],
    ["nothing", undefined, "internal_error/unknown"],
    ["a bug", new RangeError("too deep"), "internal_error/unknown"]
  ]
  for (const [what, cause, expected] of others)
    it(`${expected}: ${what}`, () => assert.strictEqual(meaning(cause), expected))

  it("the same through many wraps, and keeps the value", () => {
    let cause: unknown = coded("ENOTFOUND")
    for (let depth = 0; depth < 20; depth++) cause = new Error("wrapped", { cause })
    assert.strictEqual(meaning(cause), "name_not_resolved/dns_not_found")
    assert.strictEqual(Classify.thrown(cause).cause, cause)
  })

  it("something, and soon, whatever it is", () => {
    const cycle: { cause?: unknown } = {}
    cycle.cause = cycle
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("no")
        }
      }
    )
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    let deep: unknown = coded("ENOTFOUND")
    for (let depth = 0; depth < 10_000; depth++) deep = { cause: deep }
    for (const cause of [cycle, hostile, revoked.proxy, deep, Symbol("x"), 10n, null]) {
      assert.strictEqual(meaning(cause), "internal_error/unknown")
    }
  })
})

describe("an answer", () => {
  const reasonOf = (status: number, headers: Record<string, string> = {}, now = 0) =>
    Classify.answered({ status, headers }, now)

  it("is a reason for every status but 200-299, and never a fault of ours", () => {
    for (let status = 100; status <= 999; status++) {
      const reason = reasonOf(status)
      const expected =
        status >= 200 && status <= 299 ? undefined : status === 403 ? "website_access_denied" : "host_returned_error"
      assert.strictEqual(reason?.code, expected, String(status))
    }
  })

  it("with a Cloudflare challenge says so", () => {
    for (const status of [403, 503])
      assert.strictEqual(reasonOf(status, { "cf-mitigated": "challenge" })?.detail, "bot_challenge")
  })

  it("keeps Retry-After, in seconds or as a date", () => {
    const now = Date.parse("2026-11-24T00:00:00Z")
    const wait = (header: string) => Classify.retryAfterOf(header, now)
    assert.deepStrictEqual(wait("120"), Duration.seconds(120))
    assert.deepStrictEqual(wait("Tue, 24 Nov 2026 00:01:00 GMT"), Duration.minutes(1))
    assert.deepStrictEqual(wait("Mon, 23 Nov 2026 00:00:00 GMT"), Duration.zero)
    for (const nonsense of ["", "soon", "-5", "1e9"]) assert.isUndefined(wait(nonsense), nonsense)
    assert.deepInclude({ ...reasonOf(429, { "retry-after": "7" }) }, { status: 429, retryAfter: Duration.seconds(7) })
  })

  it("that asks for for ever is waited for a year at most, and can be written", () => {
    const reason = reasonOf(503, { "retry-after": "9".repeat(400) })
    assert.deepInclude({ ...reason }, { status: 503, retryAfter: Duration.days(365) })
    assert.include(
      JSON.stringify(Schema.encodeSync(Schema.toCodecJson(Schema.UndefinedOr(ItemError.Reason)))(reason)),
      "31536000000"
    )
  })
})

describe("the headers of an answer", () => {
  it("may be a Response's own", () => {
    const { headers, status } = new Response(undefined, { status: 429, headers: { "Retry-After": "3" } })
    assert.deepStrictEqual(
      Classify.answered({ status, headers }, 0),
      Classify.answered({ status: 429, headers: { "retry-after": "3" } }, 0)
    )
  })

  it("are those of a Response, which stays unread", async () => {
    const page = () => new Response("<title>Just a moment...</title>", { status: 429, headers: { "Retry-After": "3" } })
    const response = page()
    assert.deepStrictEqual(
      Classify.answered(response, 0),
      Classify.answered({ status: 429, headers: { "retry-after": "3" } }, 0)
    )
    assert.isFalse(response.bodyUsed)
    // The text of its page tells more.
    const told = Classify.answered({ status: 429, headers: response.headers, body: await response.text() }, 0)
    assert.strictEqual(told?.detail, "bot_challenge")
    assert.isUndefined(Classify.answered(new Response("page"), 0))
  })

  it("may come with a body that is no text, which is ignored", () => {
    const { headers, status } = new Response(undefined, { status: 403 })
    for (const body of [null, 7, {}, Buffer.from("<title>Just a moment...</title>"), new ReadableStream()]) {
      assert.strictEqual(Classify.answered({ status, headers, body }, 0)?.detail, "forbidden")
    }
  })

  it("tell a robot check from a refusal, and so does its page", () => {
    const body = "<html><head><title>Just a moment...</title>"
    for (const status of [403, 429, 503]) {
      assert.strictEqual(Classify.answered({ status, headers: {}, body }, 0)?.detail, "bot_challenge")
      assert.strictEqual(
        Classify.answered({ status, headers: { "cf-mitigated": "challenge" } }, 0)?.detail,
        "bot_challenge"
      )
    }
    assert.strictEqual(Classify.answered({ status: 404, headers: {}, body }, 0)?.detail, "not_found")
  })

  it("tell that a proxy could not resolve the name", () => {
    const reason = Classify.answered({ status: 503, headers: { "x-squid-error": "ERR_DNS_FAIL 0" } }, 0)
    assert.strictEqual(`${reason?.code}/${reason?.detail}`, "name_not_resolved/dns_unavailable")
  })
})

describe("real failures of fetch", () => {
  const listening = (server: Server) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const sockets = new Set<Socket>()
        server.on("connection", (socket: Socket) => sockets.add(socket))
        await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
        return { server, sockets, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
      }),
      ({ server, sockets }) =>
        Effect.promise(async () => {
          for (const socket of sockets) socket.destroy()
          await new Promise((closed) => server.close(closed))
        })
    ).pipe(Effect.map(({ url }) => url))

  const raw = (answer: (socket: Socket) => void) =>
    listening(createServer((socket) => void socket.on("error", () => undefined).once("data", () => answer(socket))))
  const http = (listener: RequestListener) => listening(createHttpServer(listener))
  const closed = Effect.scoped(raw(() => undefined))

  const cases: ReadonlyArray<
    readonly [what: string, site: Effect.Effect<string, never, import("effect/Scope").Scope>, expected: string]
  > = [
    ["a port where nothing listens", closed, "name_not_resolved/connection_refused"],
    [
      "a name that does not exist",
      Effect.succeed(`http://${"x".repeat(64)}.invalid/`),
      "name_not_resolved/dns_not_found"
    ],
    ["a reset before a byte", raw((socket) => socket.resetAndDestroy()), "host_returned_error/connection_reset"],
    [
      "a body cut short",
      raw((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")),
      "host_returned_error/truncated_body"
    ],
    ["no HTTP", raw((socket) => socket.end("SSH-2.0-OpenSSH\r\n\r\n")), "host_returned_error/bad_http"],
    [
      "no gzip",
      http((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("plain")),
      "host_returned_error/bad_encoding"
    ],
    [
      "a redirect loop",
      http((_, response) => response.writeHead(302, { location: "/" }).end()),
      "host_returned_error/redirect_loop"
    ]
  ]
  for (const [what, site, expected] of cases) {
    it.live(`${expected}: ${what}`, () =>
      Effect.gen(function* () {
        const url = yield* site
        const error = yield* Effect.flip(Effect.tryPromise(async () => (await fetch(url)).text()))
        assert.strictEqual(meaning(error), expected)
      })
    )
  }
})
