import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import type * as JobError from "@redrive/core/JobError"
import * as Report from "@redrive/core/Report"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

const read = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const chunk of request) text += String(chunk)
  return text
}

/** A server that gives its answers in turn, the last one for ever, and notes what it was asked. */
const server = (answers: ReadonlyArray<Answer | "hang up" | "never answer">) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const asked: Array<Asked> = []
      const http = createServer((request, response) => {
        void read(request).then((body) => {
          const { headers, method = "", url: path = "" } = request
          const answer = answers[Math.min(asked.length, answers.length - 1)]
          asked.push({ method, path, authorization: headers.authorization, body })
          if (answer === "never answer") return undefined
          if (answer === "hang up" || answer === undefined) return request.socket.destroy()
          response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers })
          return response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body))
        })
      })
      await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening))
      return { asked, http, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
    }),
    ({ http }) =>
      Effect.promise(async () => {
        http.closeAllConnections()
        await new Promise((closed) => http.close(closed))
      })
  )

const impatient = RetryPolicy.make({
  retries: 2,
  maxRetryAfter: Duration.seconds(2),
  quick: { base: Duration.millis(1), cap: Duration.millis(1) },
  steady: { base: Duration.millis(1), cap: Duration.millis(1) },
  slow: { base: Duration.millis(1), cap: Duration.millis(1) }
})

const clientOf = (url: string, options: Partial<CrawlClient.Options> = {}) =>
  CrawlClient.make({
    url,
    apiKey: Redacted.make("secret"),
    policy: impatient,
    createPolicy: impatient,
    ...options
  }).pipe(Effect.provide(FetchHttpClient.layer))

const request = CrawlApi.CrawlRequest.make({ url: "https://example.com/" })

const job = (status: string, rest: object = {}) => ({ id: "j1", status, job_items: [], ...rest })

describe("create", () => {
  it.live("sends the request with the key and gives the job's id", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server([{ body: { id: "j1" } }])
      const client = yield* clientOf(url)
      assert.deepStrictEqual(yield* client.create(request), { id: "j1" })
      assert.deepInclude(asked[0], { method: "POST", path: "/v1/crawl", authorization: "Bearer secret" })
      assert.deepInclude(JSON.parse(asked[0]?.body ?? ""), { url: "https://example.com/", items_limit: 10 })
    })
  )

  const refusals: ReadonlyArray<readonly [status: number, body: unknown, tag: string]> = [
    [
      402,
      { error_code: "insufficient_balance", error_message: "Your balance is not enough to run this job" },
      "InsufficientBalance"
    ],
    [400, { error_code: "invalid_request", error_message: "whitelist_regexp is invalid" }, "InvalidRequest"],
    [500, { error_code: "internal_error", error_message: "Internal server error" }, "InternalError"],
    [401, { message: "unauthorized" }, "Unauthorized"],
    [418, { error_code: "teapot", error_message: "short and stout" }, "Unrecognized"],
    [502, "<html>Bad Gateway</html>", "MalformedResponse"],
    [200, "<html>Welcome</html>", "MalformedResponse"],
    [200, { error_code: "insufficient_balance", error_message: "" }, "InsufficientBalance"]
  ]
  for (const [status, body, tag] of refusals) {
    it.live(`fails with ${tag} on ${status} ${JSON.stringify(body)}, and asks once`, () =>
      Effect.gen(function* () {
        const { asked, url } = yield* server([{ status, body }])
        const error = yield* Effect.flip((yield* clientOf(url)).create(request))
        assert.strictEqual(error.reason._tag, tag)
        assert.strictEqual(error.operation, "create")
        assert.lengthOf(asked, 1)
      })
    )
  }

  it.live("is not sent again where it may have happened: the answer was lost", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(["hang up"])
      const error = yield* Effect.flip((yield* clientOf(url)).create(request))
      assert.strictEqual(error.reason._tag, "ApiUnreachable")
      assert.isTrue(error.isAmbiguous)
      assert.include(error.message, "ambiguous")
      assert.deepInclude(Report.make(error).attributes, { call: "create", because: "ambiguous", attempts: 1 })
      assert.lengthOf(asked, 1)
    })
  )

  it.live("is not sent again after a time-out, whatever the policy's operation", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(["never answer"])
      const createPolicy = { ...impatient, attemptTimeout: Duration.millis(300) }
      for (const operation of ["read", "create", "idempotent"] as const) {
        const client = yield* clientOf(url, { createPolicy: { ...createPolicy, operation } })
        const error = yield* Effect.flip(client.create(request))
        assert.deepInclude(error.reason, { _tag: "ApiUnreachable", sent: true })
        assert.isTrue(error.isAmbiguous)
      }
      assert.lengthOf(asked, 3)
    })
  )

  it.live("that may have happened names its job, if the answer does", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<readonly [status: number, body: object, jobId: string | undefined]> = [
        [500, { error_code: "internal_error", error_message: "", id: "j7" }, "j7"],
        [500, { message: "no upstream", id: "request-1" }, undefined],
        [400, { error_code: "invalid_request", error_message: "", id: "j7" }, undefined]
      ]
      for (const [status, body, jobId] of rows) {
        const { url } = yield* server([{ status, body }])
        const error = yield* Effect.flip((yield* clientOf(url)).create(request))
        assert.deepStrictEqual([error.jobId, error.isAmbiguous], [jobId, status === 500])
      }
    })
  )

  it.live("that may have happened is looked for, and sent again only if it did not", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(["hang up", "hang up", { body: { id: "j2" } }])
      const looked: Array<unknown> = []
      const found: Array<Option.Option<{ readonly id: string }>> = [Option.some({ id: "j1" }), Option.none()]
      const reconcile: CrawlClient.Reconcile = (request, { reason }) =>
        Effect.sync(() => {
          looked.push([request.url, reason._tag])
          return found.shift() ?? Option.none()
        })
      const client = yield* clientOf(url, { reconcile })
      assert.deepStrictEqual(yield* client.create(request), { id: "j1" })
      assert.lengthOf(asked, 1)
      assert.deepStrictEqual(yield* client.create(request), { id: "j2" })
      assert.lengthOf(asked, 3)
      assert.deepStrictEqual(looked, [
        [request.url, "ApiUnreachable"],
        [request.url, "ApiUnreachable"]
      ])
    })
  )

  it.live("that the policy refuses was not sent", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(["hang up"])
      const createPolicy = RetryPolicy.make({ retries: 0, breaker: { trip: { _tag: "Consecutive", failures: 1 } } })
      const client = yield* clientOf(url, { createPolicy })
      assert.isTrue((yield* Effect.flip(client.create(request))).isAmbiguous)
      const error = yield* Effect.flip(client.create(request))
      assert.lengthOf(asked, 1)
      assert.deepInclude(error.reason, { _tag: "ApiUnreachable", sent: false })
      assert.isFalse(error.isAmbiguous)
      assert.include(error.message, "create refused a call")
    })
  )

  it.live("is sent again after a 429, no sooner than Retry-After says", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server([{ status: 429, headers: { "retry-after": "1" } }, { body: { id: "j1" } }])
      const [elapsed] = yield* Effect.timed((yield* clientOf(url)).create(request))
      assert.lengthOf(asked, 2)
      assert.isAtLeast(Duration.toMillis(elapsed), 1000)
    })
  )

  it.live("is tried again where nothing listens, since nothing was sent", () =>
    Effect.gen(function* () {
      const { http, url } = yield* server([{}])
      yield* Effect.promise(() => new Promise((closed) => http.close(closed)))
      const error = yield* Effect.flip((yield* clientOf(url)).create(request))
      assert.deepInclude(error.reason, { _tag: "ApiUnreachable", sent: false })
      assert.isTrue(error.isRetryable)
    })
  )
})

describe("get, wait and cancel", () => {
  it.live("a failed poll is survived", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server(["hang up", { status: 503, body: "busy" }, { body: job("done") }])
      const done = yield* (yield* clientOf(url)).get("j1")
      assert.strictEqual(done.status, "done")
      assert.lengthOf(asked, 3)
    })
  )

  it.live("every error carries the job's id", () =>
    Effect.gen(function* () {
      const { url } = yield* server([{ status: 404, body: {} }])
      const client = yield* clientOf(url)
      const calls = [client.get("j1"), client.wait("j1"), Effect.asVoid(client.cancel("j1"))]
      for (const call of calls) {
        const error = yield* Effect.flip<unknown, JobError.JobError, never>(call)
        assert.strictEqual(error.jobId, "j1")
        assert.strictEqual(error.reason._tag, "JobNotFound")
      }
    })
  )

  it.live("an id is sent as one segment of the path, whatever is in it", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server([{ body: job("done") }])
      yield* (yield* clientOf(url)).get("../a b?c")
      assert.strictEqual(asked[0]?.path, "/v1/job/..%2Fa%20b%3Fc")
    })
  )

  it.live("cancel puts, and gives the API's message", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* server([{ body: { message: "Job cancelled" } }])
      assert.strictEqual(yield* (yield* clientOf(url)).cancel("j1"), "Job cancelled")
      assert.deepInclude(asked[0], { method: "PUT", path: "/v1/job/j1/cancel" })
    })
  )

  it.live("no error shows the key", () =>
    Effect.gen(function* () {
      const { url } = yield* server(["hang up"])
      const error = yield* Effect.flip((yield* clientOf(url)).get("j1"))
      assert.notInclude(`${error.message}\n${error.stack}\n${JSON.stringify(error)}`, "secret")
    })
  )
})

describe("crawl", () => {
  /** An API in memory whose jobs end after `polls` polls, so that its time is the test's. */
  const inMemory = (polls: number, pullDelay: number) => {
    const asked: Array<string> = []
    const client = HttpClient.make((request) =>
      Effect.sync(() => {
        asked.push(request.method)
        const polled = asked.length - 1
        const body =
          polled === 0
            ? { id: "j1" }
            : job(polled < polls ? "in_progress" : "done", { recommended_pull_delay_ms: pullDelay })
        return HttpClientResponse.fromWeb(request, Response.json(body))
      })
    )
    const crawler = CrawlClient.make({ url: "http://api", apiKey: Redacted.make("key") })
    return { asked, client: Effect.provideService(crawler, HttpClient.HttpClient, client) }
  }

  const delays: ReadonlyArray<readonly [advised: number, waited: number]> = [
    [700, 700],
    [0, 100],
    [3_600_000, 60_000]
  ]
  for (const [advised, waited] of delays) {
    it.effect(`advised to wait ${advised} ms between polls, it waits ${waited} ms`, () =>
      Effect.gen(function* () {
        const { asked, client } = inMemory(3, advised)
        const seen: Array<string> = []
        const onJob = ({ status }: { readonly status: string }) => Effect.sync(() => void seen.push(status))
        const fiber = yield* Effect.forkChild((yield* client).crawl(request, { onJob }))
        yield* TestClock.adjust(Duration.millis(waited - 1))
        assert.lengthOf(asked, 2)
        yield* TestClock.adjust(Duration.millis(1))
        assert.lengthOf(asked, 3)
        yield* TestClock.adjust(Duration.millis(waited))
        assert.strictEqual((yield* Fiber.join(fiber)).status, "done")
        assert.deepStrictEqual(seen, ["in_progress", "in_progress", "done"])
      })
    )
  }

  it.live("says once, when it is finished, what its answer contradicts itself in", () =>
    Effect.gen(function* () {
      const odd = [{ id: "i1", status: "done", error_code: "host_returned_error" }]
      const { url } = yield* server([
        { body: job("in_progress", { job_items: odd, recommended_pull_delay_ms: 100 }) },
        { body: job("done", { job_items: odd }) }
      ])
      const warned: Array<unknown> = []
      const logger = Logger.make(({ logLevel, message }) => void warned.push([logLevel, message]))
      const client = yield* clientOf(url)
      const { outcome } = yield* Effect.provide(client.wait("j1"), Logger.layer([logger]))
      assert.strictEqual(outcome, "ok")
      assert.deepStrictEqual(warned, [
        ["Warn", ["answer about job j1: an item is done, yet has error_code host_returned_error"]]
      ])
    })
  )

  it.live("brings the job's failed items as errors with their place", () =>
    Effect.gen(function* () {
      const item = {
        id: "i1",
        job_id: "j1",
        original_url: "https://example.com/gone",
        status: "error",
        page_status_code: 404
      }
      const failed = {
        ...item,
        error_code: "host_returned_error",
        last_error: "Webpage returned error status code: 404"
      }
      const { url } = yield* server([{ body: { id: "j1" } }, { body: job("done", { job_items: [failed] }) }])
      const done = yield* (yield* clientOf(url)).crawl(request)
      const [error] = done.failures
      assert.deepInclude({ ...error }, { jobId: "j1", itemId: "i1", url: "https://example.com/gone" })
      assert.strictEqual(error?.reason.code, "host_returned_error")
      assert.strictEqual(done.outcome, "all failed")
    })
  )
})
