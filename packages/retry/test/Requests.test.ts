import { createServer, type IncomingHttpHeaders } from "node:http"
import { Readable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as HttpRetry from "@redrive/retry/HttpRetry"
import type * as Operation from "@redrive/retry/Operation"
import * as Retry from "@redrive/retry/Retry"
import { isRetryExhausted } from "@redrive/retry/RetryExhausted"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Program from "@redrive/testing/Program"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpMethod from "effect/http/HttpMethod"

const none = { base: Duration.millis(1), cap: Duration.millis(1) }
const policy = RetryPolicy.make({ retries: 2, quick: none, steady: none, slow: none })

interface Asked {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  body: string
}

/** A server that answers the first `failures` requests with a status, and later ones with 200, each after `takes` milliseconds. */
const server = Effect.fnUntraced(function* (failures: number, status = 503, takes = 0) {
  const asked: Array<Asked> = []
  const http = createServer((request, response) => {
    const { headers, method } = request
    const entry = { method, headers, body: "" }
    const number = asked.push(entry)
    request.on("data", (chunk) => (entry.body += chunk))
    const answer = () => response.writeHead(number <= failures ? status : 200).end(String(number))
    request.on("end", () => setTimeout(answer, takes))
  })
  return { asked, url: yield* Program.serve(http) }
})

interface How {
  readonly options?: HttpRetry.Options
  readonly using?: RetryPolicy.RetryPolicy
}

/** Sends a request through a client that is changed before the retries are added. */
const sendThrough = <E>(
  change: (client: HttpClient.HttpClient) => HttpClient.HttpClient.With<E>,
  request: HttpClientRequest.HttpClientRequest,
  { options, using = policy }: How = {}
) =>
  Effect.flatMap(HttpClient.HttpClient, (client) =>
    change(client).pipe(HttpRetry.httpClient(using, options)).execute(request)
  )

const send = (request: HttpClientRequest.HttpClientRequest, how?: How) => sendThrough((client) => client, request, how)

const make = (method: HttpMethod.HttpMethod, url: string) => HttpClientRequest.make(method)(url)
const keyed = HttpClientRequest.setHeader("idempotency-key", "order 7")

describe("the operation of a request", () => {
  const rows: ReadonlyArray<readonly [HttpMethod.HttpMethod, number]> = [
    // RFC 9110, section 9.2, and QUERY of draft-ietf-httpbis-safe-method-w-body.
    ["GET", 3],
    ["OPTIONS", 3],
    ["QUERY", 3],
    ["PUT", 3],
    ["DELETE", 3],
    ["POST", 1],
    ["PATCH", 1]
  ]

  for (const [method, expected] of rows) {
    it.live(`a ${method} that was answered 500 is sent ${expected === 1 ? "once" : "again"}`, () =>
      Effect.gen(function* () {
        const { asked, url } = yield* server(2, 500)
        yield* send(make(method, url))
        assert.lengthOf(asked, expected)
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )
  }

  const says: ReadonlyArray<readonly [string, Operation.Operation | undefined, HttpRetry.Options, number]> = [
    ["its Idempotency-Key", undefined, {}, 3],
    ["the client's options", undefined, { operation: ({ url }) => (url.endsWith("/") ? "read" : undefined) }, 3],
    ["the caller", "read", {}, 3],
    ["the caller, whatever the options say", "create", { operation: () => "read" }, 1]
  ]
  for (const [who, marked, options, expected] of says) {
    it.live(`is set by ${who}`, () =>
      Effect.gen(function* () {
        const { asked, url } = yield* server(2, 500)
        const request = who.includes("Key") ? keyed(make("POST", url)) : make("POST", url)
        const sent = send(request, { options })
        yield* marked === undefined ? sent : HttpRetry.withOperation(sent, marked)
        assert.lengthOf(asked, expected)
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )
  }

  it.live("is a creation, whatever the method and key, if the policy says so", () =>
    Effect.gen(function* () {
      for (const request of [make("GET", "/"), keyed(make("PUT", "/"))]) {
        const { asked, url } = yield* server(2)
        const using = { ...policy, operation: "create" } as const
        yield* send(HttpClientRequest.setUrl(request, url), { using })
        assert.lengthOf(asked, 1)
      }
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("must be safe for a hedge: writes are not sent twice at once", () =>
    Effect.gen(function* () {
      const using = RetryPolicy.make({ retries: 0, hedge: { after: Duration.millis(20), share: 1 } })
      for (const [method, expected] of [
        ["GET", 2],
        ["QUERY", 2],
        ["PUT", 1],
        ["DELETE", 1],
        ["POST", 1]
      ] as const) {
        const { asked, url } = yield* server(0, 200, 100)
        yield* send(keyed(make(method, url)), { using })
        assert.lengthOf(asked, expected, method)
      }
      const { asked, url } = yield* server(0, 200, 100)
      yield* HttpRetry.withOperation(send(make("POST", url), { using }), "read")
      assert.lengthOf(asked, 2)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})

describe("a header that the client adds to a request", () => {
  class NoToken extends Data.TaggedError("NoToken")<{ readonly verdict: Verdict.Verdict }> {}

  /** Adds a header that is computed for each request, and fails a given number of times. */
  const adding = (name: string, failures = 0) => {
    let made = 0
    return HttpClient.mapRequestEffect((request: HttpClientRequest.HttpClientRequest) =>
      ++made <= failures
        ? Effect.fail(new NoToken({ verdict: Verdict.transient("quick") }))
        : Effect.succeed(HttpClientRequest.setHeader(request, name, String(made)))
    )
  }

  it.live("is computed again for each attempt, inside and outside of the retries", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(2)
      const client = (yield* HttpClient.HttpClient).pipe(
        adding("x-inner"),
        HttpRetry.httpClient(policy),
        adding("x-outer")
      )
      yield* client.get(url)
      assert.deepStrictEqual(
        asked.map(({ headers }) => [headers["x-inner"], headers["x-outer"]]),
        [
          ["1", "1"],
          ["2", "2"],
          ["3", "3"]
        ]
      )
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("may fail with its own error, which is retried: no creation was sent yet", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(0)
      yield* sendThrough(adding("x-token", 2), make("POST", url))
      assert.deepStrictEqual(
        asked.map(({ headers }) => headers["x-token"]),
        ["3"]
      )
      const error = yield* Effect.flip(sendThrough(adding("x-token", 9), make("POST", url)))
      assert.isTrue(isRetryExhausted(error) && error.because === "retries" && error.failure instanceof NoToken)
      assert.lengthOf(asked, 1)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("is not an idempotency key if it changes: an ambiguous creation is not sent with another one", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(2, 500)
      const error = yield* Effect.flip(sendThrough(adding("idempotency-key"), make("POST", url)))
      assert.deepStrictEqual([asked.length, error.because, error.attempts.length], [1, "ambiguous", 1])
      // A refusal did nothing: another key does no harm.
      const refused = yield* server(2, 429)
      yield* sendThrough(adding("idempotency-key"), make("POST", refused.url))
      assert.lengthOf(refused.asked, 3)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})

describe("a body", () => {
  const text = "precious"
  const once = {
    "a Node.js stream": () => HttpBody.raw(Readable.from([Buffer.from(text)])),
    "a generator": () =>
      HttpBody.raw(
        (async function* () {
          yield Buffer.from(text)
        })()
      )
  }
  for (const [name, body] of Object.entries(once)) {
    it.live(`that is ${name} is sent once`, () =>
      Effect.gen(function* () {
        const { asked, url } = yield* server(2)
        const put = HttpClientRequest.setBody(make("PUT", url), body())
        assert.strictEqual((yield* send(put)).status, 503)
        assert.deepStrictEqual(
          asked.map(({ body }) => body),
          [text]
        )
        // Also within another policy's call, although that one would retry.
        const nested = yield* server(2)
        const again = HttpClientRequest.setBody(make("PUT", nested.url), body())
        yield* Retry.retry(send(again), policy)
        assert.deepStrictEqual(
          nested.asked.map(({ body }) => body),
          [text]
        )
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  }

  it.live("that is not replayable is the reason when the request fails", () =>
    Effect.gen(function* () {
      const put = HttpClientRequest.setBody(make("PUT", "http://127.0.0.1:1/"), once["a Node.js stream"]())
      const error = yield* Effect.flip(send(put))
      assert.isTrue(isRetryExhausted(error) && error.reason._tag === "not_replayable")
      assert.include(error.message, "gave up after 1 attempt (not_replayable)")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  const often = {
    text,
    bytes: new TextEncoder().encode(text),
    "a buffer": new TextEncoder().encode(text).buffer,
    "a blob": new Blob([text]),
    "a form": new URLSearchParams({ [text]: "" })
  }
  for (const [name, body] of Object.entries(often)) {
    it.live(`that is ${name} is sent whole with every attempt`, () =>
      Effect.gen(function* () {
        const { asked, url } = yield* server(2)
        yield* send(HttpClientRequest.setBody(make("PUT", url), HttpBody.raw(body)))
        assert.lengthOf(asked, 3)
        for (const { body } of asked) assert.include(body, text)
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )
  }
})

describe("an answer", () => {
  it.live("is judged by the client's reader first, then by the program's", () =>
    Effect.gen(function* () {
      const reader: Verdict.Reader = (failure) =>
        HttpClientError.isHttpClientError(failure) && failure.response?.status === 404
          ? Verdict.transient("quick")
          : undefined
      const { asked, url } = yield* server(2, 404)
      assert.strictEqual((yield* Effect.provide(send(make("GET", url)), Verdict.layer(reader))).status, 200)
      assert.lengthOf(asked, 3)
      const given = yield* server(2, 404)
      yield* send(make("GET", given.url), { options: { verdict: reader } })
      assert.lengthOf(given.asked, 3)
      const final = yield* server(2, 503)
      yield* send(make("GET", final.url), { options: { verdict: () => Verdict.permanent } })
      assert.lengthOf(final.asked, 1)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("that asks for payment shuts a gate if the policy has parking, and is returned otherwise", () =>
    Effect.gen(function* () {
      const probe = { base: Duration.millis(20), cap: Duration.millis(20) }
      const parking = RetryPolicy.make({ retries: 0, parking: { probe, maximum: Duration.seconds(5) } })
      const paid = yield* server(1, 402)
      assert.strictEqual((yield* send(make("GET", paid.url), { using: parking })).status, 200)
      const unpaid = yield* server(1, 402)
      assert.strictEqual((yield* send(make("GET", unpaid.url))).status, 402)
      // A payment API's 402 is about one customer, so its client has a reader for it.
      const declined = yield* server(1, 402)
      const options = { verdict: () => Verdict.permanent }
      assert.strictEqual((yield* send(make("GET", declined.url), { using: parking, options })).status, 402)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("whose body stalls delays neither the next attempt nor the call", () =>
    Effect.gen(function* () {
      let number = 0
      const http = createServer((_, response) => {
        if (++number === 3) return void response.writeHead(200).end("ok")
        // The headers arrive, but the body never does.
        response.writeHead(503, { "content-length": "10" }).flushHeaders()
      })
      const url = yield* Program.serve(http)
      const begun = performance.now()
      assert.strictEqual((yield* send(make("GET", url))).status, 200)
      // Without a limit it would never end.
      assert.isBelow(performance.now() - begun, 10_000)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.live("frees its socket if it loses to a hedge, or if the client turned it into a failure", () =>
    Effect.gen(function* () {
      const large = "x".repeat(1_000_000)
      let sockets = 0
      let number = 0
      const http = createServer((_, response) => {
        const isBad = ++number % 2 === 1
        setTimeout(() => response.writeHead(isBad ? 503 : 200).end(isBad ? large : "ok"), 60)
      })
      http.on("connection", (socket) => {
        sockets++
        socket.on("close", () => sockets--)
      })
      const url = yield* Program.serve(http)
      const hedged = RetryPolicy.make({ retries: 1, quick: none, hedge: { after: Duration.millis(30), share: 1 } })
      for (let n = 0; n < 6; n++) {
        yield* Effect.flatMap(send(make("GET", url), { using: hedged }), ({ text }) => text)
        yield* Effect.flatMap(sendThrough(HttpClient.filterStatusOk, make("GET", url)), ({ text }) => text)
      }
      yield* Effect.sleep("100 millis")
      assert.isAtMost(sockets, 4)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})

describe("a time-out and a refusal of a request", () => {
  class Unavailable extends Data.TaggedError("Unavailable")<{ readonly why: string }> {}

  it.live("are an error of the caller's own where the client says which", () =>
    Effect.gen(function* () {
      const { url } = yield* server(0, 200, 500)
      const trip = { _tag: "Consecutive", failures: 1 } as const
      const using = RetryPolicy.make({ retries: 0, attemptTimeout: Duration.millis(30), breaker: { trip } })
      const errorOf = (added: Retry.Added) => new Unavailable({ why: added._tag })
      const client = (yield* HttpClient.HttpClient).pipe(HttpRetry.httpClient(using, { errorOf }))
      const whys: Array<string> = []
      for (let call = 0; call < 2; call++) {
        const { failure } = yield* Effect.flip(client.get(url))
        // The type has no other branch than these two.
        whys.push(failure._tag === "Unavailable" ? failure.why : failure.reason._tag)
      }
      assert.deepStrictEqual(whys, ["TimeoutError", "Refused"])
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})

describe("a policy without a runner of its own", () => {
  const breaker = { trip: { _tag: "Consecutive", failures: 1 } } as const

  it.live("has one breaker for all clients made with it, wherever they are made", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(9)
      const using = RetryPolicy.make({ retries: 0, breaker })
      yield* send(make("GET", url), { using })
      const error = yield* Effect.flip(send(make("GET", url), { using }))
      assert.isTrue(isRetryExhausted(error) && error.because === "breaker")
      assert.lengthOf(asked, 1)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )
})
