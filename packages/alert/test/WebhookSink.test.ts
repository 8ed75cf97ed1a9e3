import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { json } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import * as Alert from "@redrive/alert/Alert"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Report from "@redrive/core/Report"
import * as Program from "@redrive/testing/Program"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"

interface Delivery {
  readonly id: string
  readonly timestamp: string
  readonly body: { readonly timestamp: string; readonly data: unknown }
}

interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
}

/** A receiver that gives its answers in turn, the last one for ever; an answer of 0 hangs up. */
const receiver = Effect.fnUntraced(function* (...answers: ReadonlyArray<Answer>) {
  const deliveries: Array<Delivery> = []
  const url = yield* Program.serve(
    createServer(async (request, response) => {
      const body = (await json(request)) as Delivery["body"]
      const { "webhook-id": id, "webhook-timestamp": timestamp } = request.headers
      const answer = answers[Math.min(deliveries.length, answers.length - 1)] ?? { status: 204 }
      deliveries.push({ id: String(id), timestamp: String(timestamp), body })
      if (answer.status === 0) request.socket.destroy()
      else response.writeHead(answer.status, answer.headers).end()
    })
  )
  return { deliveries, url: `${url}hooks/s3cret` }
})

const at = DateTime.makeUnsafe("2026-11-24T01:02:03.456Z")

const alerts = [
  Alert.make(
    Report.make(
      new ItemError.ItemError({
        jobId: "j1",
        url: "https://example.com/a?token=t",
        reason: new ItemError.WebsiteAccessDenied({ status: 403 })
      })
    ),
    at
  ),
  Alert.make(Report.make(new JobError.JobError({ operation: "run", reason: new JobError.InsufficientBalance({}) })), at)
] as const

const send = (url: string, options: Partial<WebhookSink.Options> = {}) =>
  Effect.flatMap(WebhookSink.make({ url: Redacted.make(url), backoff: "5 millis", ...options }), (sink) =>
    sink.send([...alerts])
  ).pipe(Effect.provide(FetchHttpClient.layer))

describe("a delivery", () => {
  it.live("is one POST of all alerts, in the documented shape", () =>
    Effect.gen(function* () {
      const { deliveries, url } = yield* receiver({ status: 204 })
      yield* send(url)
      assert.lengthOf(deliveries, 1)
      const [{ body, id, timestamp }] = deliveries as [Delivery]
      const golden = JSON.parse(readFileSync(new URL("fixtures/delivery.json", import.meta.url), "utf8"))
      assert.deepStrictEqual({ ...body, timestamp: golden.timestamp }, golden)
      assert.match(id, /^msg_[0-9a-f]{24}$/)
      assert.strictEqual(timestamp, String(Math.floor(Date.parse(body.timestamp) / 1000)))
    })
  )

  it.live("is made again under the same id while the receiver has trouble", () =>
    Effect.gen(function* () {
      const { deliveries, url } = yield* receiver({ status: 500 }, { status: 0 }, { status: 200 })
      yield* send(url)
      assert.lengthOf(deliveries, 3)
      assert.lengthOf([...new Set(deliveries.map(({ id }) => id))], 1)
    })
  )

  it.live("waits as long as Retry-After says", () =>
    Effect.gen(function* () {
      const { deliveries, url } = yield* receiver({ status: 429, headers: { "retry-after": "1" } }, { status: 200 })
      const [elapsed] = yield* Effect.timed(send(url))
      assert.lengthOf(deliveries, 2)
      assert.isAtLeast(Duration.toMillis(elapsed), 1000)
    })
  )

  const refusals: ReadonlyArray<readonly [answer: Answer, attempts: number, message: string]> = [
    [{ status: 404 }, 1, "answered 404"],
    [{ status: 301 }, 1, "answered 301"],
    [{ status: 500 }, 4, "answered 500"],
    [{ status: 501 }, 1, "answered 501"],
    [{ status: 409 }, 3, "answered 409"],
    [{ status: 408 }, 4, "answered 408"],
    [{ status: 429, headers: { "retry-after": "3600" } }, 1, "answered 429"],
    [{ status: 0 }, 4, "no answer: connection_reset"]
  ]
  for (const [answer, attempts, message] of refusals) {
    it.live(`that is met with ${JSON.stringify(answer)} fails after ${attempts}`, () =>
      Effect.gen(function* () {
        const { deliveries, url } = yield* receiver(answer)
        const error = yield* Effect.flip(send(url))
        assert.strictEqual(error.message, message)
        assert.lengthOf(deliveries, attempts)
      })
    )
  }

  it.live("that nobody answers in time fails", () =>
    Effect.gen(function* () {
      const url = yield* Program.serve(createServer(() => undefined))
      const error = yield* Effect.flip(send(url, { attempts: 2, attemptTimeout: "20 millis" }))
      assert.strictEqual(error.message, "no answer in time")
    })
  )

  it.live("that fails shows nothing of the URL", () =>
    Effect.gen(function* () {
      const { url } = yield* receiver({ status: 0 })
      const error = yield* Effect.flip(send(url, { attempts: 1 }))
      assert.notInclude(`${error.message} ${error.stack} ${JSON.stringify(error)}`, "s3cret")
    })
  )
})
