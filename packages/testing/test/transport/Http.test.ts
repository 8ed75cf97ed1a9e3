import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import type { Agent } from "undici"
import { meaning } from "./client.ts"
import { serveRaw } from "./raw.ts"

// What a server can do to one request, on real sockets. HostileSite's own table is proved in HostileSite.test.ts.

const ok = "HTTP/1.1 200 OK\r\n"
const quick: Agent.Options = { headersTimeout: 100, bodyTimeout: 100 }

const rows: ReadonlyArray<
  readonly [
    what: string,
    meaning: string,
    answer: string | Uint8Array,
    options?: Agent.Options & { readonly keep?: boolean }
  ]
> = [
  ["an answer", "200", `${ok}content-length: 2\r\n\r\nok`],
  ["nothing, and the end", "connection_reset", ""],
  ["headers, and the end", "connection_reset", `${ok}content-le`],
  ["half of a body", "truncated_body", `${ok}content-length: 10\r\n\r\nhalf`],
  ["a chunk that is cut", "truncated_body", `${ok}transfer-encoding: chunked\r\n\r\nff\r\nhalf`],
  ["silence before the headers", "response_timeout", "", { ...quick, keep: true }],
  ["silence within the body", "response_timeout", `${ok}content-length: 10\r\n\r\nhalf`, { ...quick, keep: true }],
  ["what is no HTTP", "bad_http", "220 mail.test ESMTP\r\n"],
  ["a status of two digits", "bad_http", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a header without a name", "bad_http", `${ok}: x\r\n\r\n`],
  ["two lengths that differ", "truncated_body", `${ok}content-length: 2\r\ncontent-length: 3\r\n\r\nok`],
  ["headers without end", "bad_http", `${ok}x: ${"y".repeat(100_000)}\r\n\r\n`],
  ["a bad chunk size", "bad_http", `${ok}transfer-encoding: chunked\r\n\r\nzz\r\nok`],
  ["bad gzip", "bad_encoding", `${ok}content-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope`],
  ["bad brotli", "bad_encoding", `${ok}content-encoding: br\r\ncontent-length: 4\r\n\r\n\xff\xff\xff\xff`],
  [
    "a body larger than is read",
    "too_large",
    `${ok}content-length: 99\r\n\r\n${"x".repeat(99)}`,
    { maxResponseSize: 10 }
  ],
  [
    "a redirect to a file",
    "bad_redirect",
    "HTTP/1.1 302 Found\r\nlocation: file:///etc/hosts\r\ncontent-length: 0\r\n\r\n"
  ],
  [
    "a redirect to itself",
    "redirect_loop",
    "HTTP/1.1 302 Found\r\nlocation: /\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
  ],
  ["a redirect without a target", "unfollowed_redirect", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"],
  ["status 999", "odd_status", "HTTP/1.1 999 Request denied\r\ncontent-length: 0\r\n\r\n"],
  [
    "a Cloudflare challenge",
    "bot_challenge",
    "HTTP/1.1 503 Service Unavailable\r\ncf-mitigated: challenge\r\ncontent-length: 0\r\n\r\n"
  ]
]

describe("a server that answers with", () => {
  for (const [what, detail, answer, { keep = false, ...options } = {}] of rows) {
    const expected = detail === "200" ? detail : `host_returned_error/${detail}`
    it.live(`${what}: ${expected}`, () =>
      Effect.gen(function* () {
        const bytes = typeof answer === "string" ? Buffer.from(answer, "latin1") : answer
        const port = yield* serveRaw((socket) => (keep ? socket.write(bytes) : socket.end(bytes)))
        assert.strictEqual(yield* meaning(`http://127.0.0.1:${port}/`, options), expected)
      })
    )
  }

  it.live("a reset in place of an answer", () =>
    Effect.gen(function* () {
      const port = yield* serveRaw((socket) => socket.resetAndDestroy())
      assert.strictEqual(yield* meaning(`http://127.0.0.1:${port}/`), "host_returned_error/connection_reset")
    })
  )

  it.live("a reset within the body", () =>
    Effect.gen(function* () {
      const port = yield* serveRaw((socket) => {
        socket.write(`${ok}content-length: 10\r\n\r\nhalf`, () => setTimeout(() => socket.resetAndDestroy(), 50))
      })
      assert.strictEqual(yield* meaning(`http://127.0.0.1:${port}/`), "host_returned_error/truncated_body")
    })
  )
})

describe("a request that", () => {
  it.live("loses patience", () =>
    Effect.gen(function* () {
      const port = yield* serveRaw(() => undefined)
      assert.strictEqual(yield* meaning(`http://127.0.0.1:${port}/`, {}, 100), "host_returned_error/response_timeout")
    })
  )

  it.live("meets nobody", () =>
    Effect.gen(function* () {
      const port = yield* Program.freePort
      assert.strictEqual(yield* meaning(`http://127.0.0.1:${port}/`), "name_not_resolved/connection_refused")
    })
  )

  it.live("is for no web page", () =>
    Effect.gen(function* () {
      for (const url of ["ftp://127.0.0.1/", "http://127.0.0.1:6667/", "http://", "nowhere"]) {
        assert.strictEqual(yield* meaning(url), "host_returned_error/bad_link", url)
      }
    })
  )
})
