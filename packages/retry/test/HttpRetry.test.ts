import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as HttpRetry from "@redrive/retry/HttpRetry"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import { isRetryExhausted } from "@redrive/retry/RetryExhausted"
import * as Program from "@redrive/testing/Program"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const none = { base: Duration.millis(1), cap: Duration.millis(1) }
const policy = RetryPolicy.make({ retries: 2, quick: none, steady: none, slow: none })

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end(`${code}`)
const hangUp: Answer = ({ socket }) => socket.destroy()

/** A server that gives its answers in turn, the last one for ever, and counts. */
const server = Effect.fnUntraced(function* (...answers: ReadonlyArray<Answer>) {
  const asked: Array<{ readonly at: number; readonly method: string | undefined }> = []
  const http = createServer((request, response) => {
    asked.push({ at: performance.now(), method: request.method })
    request.resume()
    answers[Math.min(asked.length, answers.length) - 1]?.(request, response)
  })
  return { asked, http, url: yield* Program.serve(http) }
})

const client = (using: Parameters<typeof HttpRetry.httpClient>[0] = policy) =>
  Effect.map(HttpClient.HttpClient, HttpRetry.httpClient(using)).pipe(Effect.provide(FetchHttpClient.layer))

describe("an HTTP client with a policy", () => {
  it.live("tries a read again, after a failure and after an answer that may pass", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(hangUp, status(503), status(200))
      const response = yield* (yield* client()).get(url)
      assert.strictEqual(yield* response.text, "200")
      assert.lengthOf(asked, 3)
    })
  )

  it.live("gives the last answer back when it gives up, and what no retry can help at once", () =>
    Effect.gen(function* () {
      const busy = yield* server(status(503))
      assert.strictEqual((yield* (yield* client()).get(busy.url)).status, 503)
      assert.lengthOf(busy.asked, 3)
      for (const code of [404, 403, 501]) {
        const { asked, url } = yield* server(status(code))
        assert.strictEqual((yield* (yield* client()).get(url)).status, code)
        assert.lengthOf(asked, 1)
      }
    })
  )

  it.live("comes back no sooner than Retry-After says, and not at all if that is too late", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(status(429, { "retry-after": "1" }), status(200))
      yield* (yield* client()).get(url)
      assert.isAtLeast(asked[1]!.at - asked[0]!.at, 995)
      const late = yield* server(status(429, { "retry-after": "3600" }))
      assert.strictEqual((yield* (yield* client()).get(late.url)).status, 429)
      assert.lengthOf(late.asked, 1)
    })
  )

  it.live("does not send a POST again that may have been carried out, but one that was refused", () =>
    Effect.gen(function* () {
      for (const answer of [hangUp, status(500), status(502)]) {
        const { asked, url } = yield* server(answer)
        yield* Effect.exit((yield* client()).post(url))
        assert.lengthOf(asked, 1)
      }
      const { asked, url } = yield* server(status(429), status(201))
      assert.strictEqual((yield* (yield* client()).post(url)).status, 201)
      assert.lengthOf(asked, 2)
    })
  )

  it.live("sends a PUT again, but no stream, which can be read once", () =>
    Effect.gen(function* () {
      const put = yield* server(status(500), status(200))
      assert.strictEqual((yield* (yield* client()).put(put.url)).status, 200)
      const { asked, url } = yield* server(status(500))
      const body = Stream.make(new TextEncoder().encode("once"))
      const request = HttpClientRequest.put(url).pipe(HttpClientRequest.bodyStream(body))
      assert.strictEqual((yield* (yield* client()).execute(request)).status, 500)
      assert.lengthOf(asked, 1)
      const web = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode("once"))
          controller.close()
        }
      })
      const raw = yield* server(status(500))
      const put2 = HttpClientRequest.put(raw.url).pipe(HttpClientRequest.setBody(HttpBody.raw(web)))
      const sent = FetchHttpClient.layer.pipe(
        Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { duplex: "half" }))
      )
      const once = Effect.map(HttpClient.HttpClient, HttpRetry.httpClient(policy)).pipe(Effect.provide(sent))
      assert.strictEqual((yield* (yield* once).execute(put2)).status, 500)
      assert.lengthOf(raw.asked, 1)
    })
  )

  it.live("sends a stream within the limits of the policy, too", () =>
    Effect.gen(function* () {
      const { url } = yield* server(() => undefined)
      const impatient = RetryPolicy.make({ attemptTimeout: Duration.millis(50) })
      const body = Stream.make(new TextEncoder().encode("once"))
      const request = HttpClientRequest.put(url).pipe(HttpClientRequest.bodyStream(body))
      const error = yield* Effect.flip((yield* client(impatient)).execute(request))
      assert.isTrue(isRetryExhausted(error) && error.attempts.length === 1)
    })
  )

  it.live("lets go of the answers that it does not give back, so that their sockets are free", () =>
    Effect.gen(function* () {
      const large: Answer = (_, response) => void response.writeHead(503).end("x".repeat(2_000_000))
      const { http, url } = yield* server(...Array.from({ length: 12 }, () => [large, large, status(200)]).flat())
      let sockets = 0
      http.on("connection", (socket) => {
        sockets++
        socket.on("close", () => sockets--)
      })
      const tries = yield* client()
      for (let n = 0; n < 12; n++) assert.strictEqual(yield* Effect.flatMap(tries.get(url), ({ text }) => text), "200")
      yield* Effect.sleep("50 millis")
      assert.isAtMost(sockets, 3)
    })
  )

  it.live("fails with the timeline where nobody answers", () =>
    Effect.gen(function* () {
      const { url } = yield* server(hangUp)
      const error = yield* Effect.flip((yield* client()).get(url))
      assert.isTrue(isRetryExhausted(error) && error.because === "retries" && error.attempts.length === 3)
      assert.isTrue(isRetryExhausted(error) && error.name === "http GET")
    })
  )

  it.live("shares a runner's breaker by the other side's origin", () =>
    Effect.gen(function* () {
      const breaker = { trip: { _tag: "Consecutive", failures: 1 } } as const
      const runner = Retry.make(RetryPolicy.make({ retries: 0, breaker }), "api")
      const [bad, good] = [yield* server(status(503)), yield* server(status(200))]
      const shared = yield* client(runner)
      yield* shared.get(bad.url)
      const refused = yield* Effect.flip(shared.get(`${bad.url}other`))
      assert.isTrue(isRetryExhausted(refused) && refused.because === "breaker")
      assert.strictEqual((yield* shared.get(good.url)).status, 200)
      assert.lengthOf(bad.asked, 1)
    })
  )
})
