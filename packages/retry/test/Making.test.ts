import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Readable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import * as HttpRetry from "@redrive/retry/HttpRetry"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Verdict from "@redrive/core/Verdict"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Program from "@redrive/testing/Program"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"

const wait = { base: Duration.millis(1), cap: Duration.millis(1) }
const policyOf = (options: Parameters<typeof RetryPolicy.make>[0] = {}) =>
  RetryPolicy.make({ retries: 2, quick: wait, steady: wait, slow: wait, ...options })

type Sent = Effect.Effect<HttpClientResponse, HttpClientError>
type Answer = (request: IncomingMessage, response: ServerResponse) => void

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end(String(code))
const silent: Answer = () => undefined

/** A server that gives its answers in turn, the last one for ever, and keeps what it was sent. */
const server = Effect.fnUntraced(function* (...answers: ReadonlyArray<Answer>) {
  const asked: Array<string> = []
  const http = createServer((request, response) => {
    const number = asked.push([request.method, request.headers["idempotency-key"]].flat().join(" ").trim()) - 1
    request.on("data", (chunk) => (asked[number] += ` ${chunk}`))
    request.on("end", () => answers[Math.min(number, answers.length - 1)]?.(request, response))
  })
  return { asked, url: yield* Program.serve(http) }
})

const transient = { verdict: Verdict.transient("quick"), message: "no token" }

/** Fails so often to make a request, then makes each with another key. */
const keys = (failures = 0) => {
  let made = 0
  return HttpClient.mapRequestEffect((request: HttpClientRequest.HttpClientRequest) =>
    ++made <= failures
      ? Effect.fail(transient)
      : Effect.succeed(HttpClientRequest.setHeader(request, "idempotency-key", `k${made}`))
  )
}

/** Fails so often to make a request, and changes nothing about it. */
const tokens = (failures: number) => {
  let made = 0
  return HttpClient.mapRequestEffect((request: HttpClientRequest.HttpClientRequest) =>
    ++made <= failures ? Effect.fail(transient) : Effect.succeed(request)
  )
}

const fetching = Effect.provide(FetchHttpClient.layer)

describe("a request that the client could not make at first", () => {
  it.live("is sent once all the same if its body can be read once", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(status(503), status(200))
      const client = (yield* HttpClient.HttpClient).pipe(tokens(1), HttpRetry.httpClient(policyOf()))
      const put = HttpClientRequest.put(url).pipe(HttpClientRequest.setBody(HttpBody.raw(Readable.from(["file"]))))
      assert.strictEqual((yield* client.execute(put)).status, 503)
      assert.deepStrictEqual(asked, ["PUT file"])
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("has the breaker of its host, and the caller's own Idempotency-Key", () =>
    Effect.gen(function* () {
      const broken = policyOf({ retries: 3, breaker: { trip: { _tag: "Consecutive", failures: 2 } } })
      const bad = yield* server(status(503))
      const client = (yield* HttpClient.HttpClient).pipe(tokens(1), HttpRetry.httpClient(broken))
      const error = yield* Effect.flip(client.get(bad.url))
      assert.deepStrictEqual([error.because, bad.asked.length], ["breaker", 2])
      const keyed = yield* server(status(500), status(200))
      const other = (yield* HttpClient.HttpClient).pipe(tokens(1), HttpRetry.httpClient(policyOf()))
      const post = HttpClientRequest.post(keyed.url).pipe(HttpClientRequest.setHeader("idempotency-key", "order"))
      assert.strictEqual((yield* other.execute(post)).status, 200)
      assert.deepStrictEqual(keyed.asked, ["POST order", "POST order"])
    }).pipe(fetching)
  )

  it.live("ends with the attempt's timeout and the deadline", () =>
    Effect.gen(function* () {
      const begun = performance.now()
      const limits = policyOf({ attemptTimeout: Duration.millis(50), deadline: Duration.millis(150) })
      const client = (yield* HttpClient.HttpClient).pipe(
        HttpClient.mapRequestEffect(() => Effect.never),
        HttpRetry.httpClient(limits)
      )
      yield* Effect.flip(client.get("http://127.0.0.1:2/"))
      // Without them it would never end.
      assert.isBelow(performance.now() - begun, 10_000)
    }).pipe(fetching)
  )

  it.live("is made anew after a wait for a place, and for each try of a client within", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(status(200))
      const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1, queue: 1 } }))
      const client = (yield* HttpClient.HttpClient).pipe(keys(), HttpRetry.httpClient(runner))
      const busy = yield* Effect.forkChild(runner.run(Effect.sleep("1100 millis")), { startImmediately: true })
      yield* client.put(url)
      yield* Fiber.join(busy)
      assert.deepStrictEqual(asked, ["PUT k2"])
      const flaky = yield* server(status(503), status(503), status(200))
      const within = (yield* HttpClient.HttpClient).pipe(
        HttpClient.filterStatusOk,
        keys(),
        HttpClient.retry({ times: 2 }),
        HttpRetry.httpClient(policyOf())
      )
      yield* within.put(flaky.url)
      assert.deepStrictEqual(flaky.asked, ["PUT k1", "PUT k2", "PUT k3"])
    }).pipe(fetching)
  )

  it.live("may be made with the help of another client, which its caller's mark is not for", () =>
    Effect.gen(function* () {
      const auth = yield* server(status(503), status(200))
      const api = yield* server(status(503), status(200))
      const base = yield* HttpClient.HttpClient
      const token = base.pipe(HttpClient.filterStatusOk, HttpRetry.httpClient(policyOf())).post(auth.url)
      const client = base.pipe(
        HttpClient.mapRequestEffect((request) => Effect.as(Effect.exit(token), request)),
        HttpRetry.httpClient(policyOf())
      )
      yield* HttpRetry.withOperation(client.post(api.url), "read")
      assert.lengthOf(api.asked, 2)
      // One for each attempt: a rotating token must not be asked for twice.
      assert.lengthOf(auth.asked, 2)
    }).pipe(fetching)
  )
})

describe("a key that is made anew for each attempt", () => {
  it.live("does not let a creation be sent again that ran into a timeout", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(silent)
      // Long enough for the request to arrive on a busy machine.
      const limits = policyOf({ attemptTimeout: Duration.millis(500) })
      const client = (yield* HttpClient.HttpClient).pipe(keys(), HttpRetry.httpClient(limits))
      const error = yield* Effect.flip(client.post(url))
      assert.deepStrictEqual([asked, error.because, error.attempts.length], [["POST k1"], "ambiguous", 1])
    }).pipe(fetching)
  )

  it.live("takes nothing from what the method or the caller says", () =>
    Effect.gen(function* () {
      for (const [method, marked] of [
        ["PUT", undefined],
        ["POST", "idempotent"]
      ] as const) {
        const { asked, url } = yield* server(status(503), status(503), status(200))
        const client = (yield* HttpClient.HttpClient).pipe(keys(), HttpRetry.httpClient(policyOf()))
        const sent = client.execute(HttpClientRequest.make(method)(url))
        const response = yield* marked === undefined ? sent : HttpRetry.withOperation(sent, marked)
        assert.deepStrictEqual([response.status, asked.length], [200, 3])
      }
    }).pipe(fetching)
  )
})

describe("a creation that was carried out", () => {
  const created =
    (then: Answer): Answer =>
    (request, response) =>
      request.method === "POST" ? status(303, { location: "/orders/1" })(request, response) : then(request, response)
  const posts = (asked: ReadonlyArray<string>) => asked.filter((one) => one.startsWith("POST"))

  it.live("is not sent again for what a redirect's target answers, whoever follows it", () =>
    Effect.gen(function* () {
      for (const follows of ["fetch", "Effect"] as const) {
        const { asked, url } = yield* server(created(status(429, { "retry-after": "0" })))
        const init = follows === "fetch" ? {} : { redirect: "manual" as const }
        const layer = Layer.provide(FetchHttpClient.layer, Layer.succeed(FetchHttpClient.RequestInit, init))
        const sent = Effect.flatMap(HttpClient.HttpClient, (base) =>
          (follows === "fetch" ? base : HttpClient.followRedirects(base, 3))
            .pipe(HttpRetry.httpClient(policyOf()))
            .post(url)
        )
        yield* Effect.exit(Effect.provide(sent, layer))
        assert.lengthOf(posts(asked), 1, follows)
      }
    })
  )

  it.live("is not sent again for a redirect's target that cannot be reached, whoever follows it", () =>
    Effect.gen(function* () {
      for (const location of ["http://127.0.0.1:2/orders/1", "http://nowhere.invalid/"]) {
        for (const layer of [FetchHttpClient.layer, NodeHttpClient.layerUndici]) {
          const { asked, url } = yield* server(status(303, { location }))
          const sent = Effect.flatMap(HttpClient.HttpClient, (base) =>
            HttpClient.followRedirects(base, 3).pipe(HttpRetry.httpClient(policyOf())).post(url)
          )
          const error = yield* Effect.flip(Effect.provide(sent, layer))
          assert.deepStrictEqual([asked, error.because], [["POST"], "ambiguous"])
        }
      }
    })
  )

  it.live("is not sent again for what fails after its answer", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(status(201))
      const refused = { verdict: Verdict.transient("quick"), code: "ECONNREFUSED", syscall: "connect" }
      const client = (yield* HttpClient.HttpClient).pipe(
        HttpClient.tap(() => Effect.fail(refused)),
        HttpRetry.httpClient(policyOf())
      )
      assert.strictEqual((yield* Effect.flip(client.post(url))).because, "ambiguous")
      assert.lengthOf(asked, 1)
    }).pipe(fetching)
  )

  it.live("is not sent again for a later request of the same URL, or one that was refused", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(status(200), status(429, { "retry-after": "0" }), status(200))
      const open = yield* HttpClient.HttpClient
      const body = HttpBody.text("audit")
      const audit = (base: HttpClient.HttpClient, to: string) => base.pipe(HttpClient.filterStatusOk).post(to, { body })
      const within = open.pipe(
        HttpClient.tap(() => audit(open, url)),
        HttpRetry.httpClient(policyOf())
      )
      assert.strictEqual((yield* Effect.flip(within.post(url))).because, "ambiguous")
      assert.deepStrictEqual(asked, ["POST", "POST audit"])
      const gone = yield* server(status(200))
      const retrying = open.pipe(HttpRetry.httpClient(policyOf({ retries: 0 })))
      const other = open.pipe(
        HttpClient.tap(() => retrying.post("http://127.0.0.1:2/audit")),
        HttpRetry.httpClient(policyOf())
      )
      assert.strictEqual((yield* Effect.flip(other.post(gone.url))).because, "ambiguous")
      assert.lengthOf(gone.asked, 1)
    }).pipe(fetching)
  )

  it.live("may be repeated by the client itself; a failure of that is ambiguous, with its answer", () =>
    Effect.gen(function* () {
      const base = yield* HttpClient.HttpClient
      const login = yield* server(status(401), status(200))
      const again = (sent: Sent): Sent =>
        Effect.flatMap(sent, (response) => (response.status === 401 ? sent : Effect.succeed(response)))
      const refresh = HttpClient.transformResponse(base, again)
      assert.strictEqual((yield* refresh.pipe(HttpRetry.httpClient(policyOf())).post(login.url)).status, 200)
      assert.lengthOf(login.asked, 2)
      const busy = yield* server(status(503))
      const eager = HttpClient.retryTransient(base, { times: 1 }).pipe(HttpRetry.httpClient(policyOf()))
      assert.strictEqual((yield* eager.post(busy.url)).status, 503)
      assert.lengthOf(busy.asked, 2)
    }).pipe(fetching)
  )

  it.live("was not, if only its making ran into a timeout, or nothing took it; one error is not another's", () =>
    Effect.gen(function* () {
      let made = 0
      const { asked, url } = yield* server(status(429, { "retry-after": "0" }), status(200))
      const base = yield* HttpClient.HttpClient
      const slow = base.pipe(
        HttpClient.mapRequestEffect((request) => (++made === 2 ? Effect.never : Effect.succeed(request))),
        HttpRetry.httpClient(policyOf({ attemptTimeout: Duration.millis(100) }))
      )
      assert.strictEqual((yield* slow.post(url)).status, 200)
      assert.lengthOf(asked, 2)
      let shut = 0
      const shutFirst = (sent: Sent): Effect.Effect<HttpClientResponse, HttpClientError | typeof transient> =>
        ++shut === 1 ? Effect.fail(transient) : sent
      const gate = HttpClient.transformResponse(base, shutFirst).pipe(HttpRetry.httpClient(policyOf()))
      assert.strictEqual((yield* gate.post(url)).status, 200)
      // The same error object means nothing elsewhere.
      let inserted = 0
      const insert = Effect.suspend(() => (inserted++, Effect.fail(transient)))
      const error = yield* Effect.flip(Retry.retry(insert, policyOf({ operation: "create" })))
      assert.deepStrictEqual([inserted, error.because], [1, "ambiguous"])
    }).pipe(fetching)
  )

  it.live("is not sent again by a policy around it that cut it short", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(silent)
      const client = (yield* HttpClient.HttpClient).pipe(HttpRetry.httpClient(policyOf()))
      const outer = policyOf({ attemptTimeout: Duration.millis(50) })
      const error = yield* Effect.flip(Retry.retry(client.post(url), outer))
      assert.deepStrictEqual([asked.length, error.because], [1, "ambiguous"])
      // A read is another matter.
      yield* Effect.exit(Retry.retry(client.get(url), outer))
      assert.lengthOf(asked, 4)
    }).pipe(fetching)
  )

  it.live("is not sent again at a gate", () =>
    Effect.gen(function* () {
      let sent = 0
      const call = Effect.suspend(() => (sent++, Effect.fail({ status: 503, isAmbiguous: true })))
      const probe = { base: Duration.millis(5), cap: Duration.millis(5) }
      const parking = policyOf({ operation: "create", parking: { probe, maximum: Duration.seconds(1) } })
      const error = yield* Effect.flip(Retry.retry(call, parking, { verdict: () => Verdict.parked("repair") }))
      assert.deepStrictEqual([sent, error.because], [1, "ambiguous"])
    })
  )
})

describe("an answer", () => {
  it.live("that a client's own filter refuses is waited for at the gate, too", () =>
    Effect.gen(function* () {
      const { url } = yield* server(status(402), status(402), status(200))
      const probe = { base: Duration.millis(5), cap: Duration.millis(5) }
      const parking = policyOf({ parking: { probe, maximum: Duration.seconds(2) } })
      const client = (yield* HttpClient.HttpClient).pipe(HttpClient.filterStatusOk, HttpRetry.httpClient(parking))
      assert.strictEqual((yield* client.get(url)).status, 200)
    }).pipe(fetching)
  )

  it.live("that will be retried gives its socket back before the wait, also if its body has not begun", () =>
    Effect.gen(function* () {
      const stalled: Answer = (_, response) => response.writeHead(503, { "content-length": "9" }).flushHeaders()
      const { asked, url } = yield* server(stalled, status(200))
      const slow = { base: Duration.millis(400), cap: Duration.millis(400), jitter: "none" as const }
      const patient = policyOf({ retries: 1, steady: slow, attemptTimeout: Duration.millis(300) })
      const one = NodeHttpClient.layerUndiciOptions({ connections: 1 })
      const sent = Effect.flatMap(HttpClient.HttpClient, (base) => base.pipe(HttpRetry.httpClient(patient)).get(url))
      assert.strictEqual((yield* Effect.provide(sent, one)).status, 200)
      assert.lengthOf(asked, 2)
    })
  )

  it.live("stays an answer within a policy that does not retry, and in a fiber that a redrive left behind", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(status(503))
      const client = (yield* HttpClient.HttpClient).pipe(HttpRetry.httpClient(policyOf()))
      const once = RetryPolicy.make({ retries: 0, deadline: Duration.seconds(5) })
      assert.strictEqual((yield* Retry.retry(client.get(url), once)).status, 503)
      assert.lengthOf(asked, 3)
      const late = Effect.delay(client.get(url), "20 millis")
      const each = () => Effect.forkDetach(late)
      const { saved } = yield* Redrive.run([{ item: 1, error: transient }], { policy: policyOf(), each })
      assert.strictEqual((yield* Fiber.join(saved[0]!.value)).status, 503)
    }).pipe(fetching)
  )
})
