import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { text as textOf } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import { Webhook as StandardWebhooks } from "standardwebhooks"
import { Webhook as Svix } from "svix"
import { itemAlert, jobAlert, noMessage } from "./samples.ts"

interface Delivery {
  readonly id: string
  readonly timestamp: string
  readonly signature: string | undefined
  readonly text: string
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
      const text = await textOf(request)
      const { "webhook-id": id, "webhook-signature": signature, "webhook-timestamp": timestamp } = request.headers
      const answer = answers[Math.min(deliveries.length, answers.length - 1)] ?? { status: 204 }
      deliveries.push({
        id: String(id),
        timestamp: String(timestamp),
        signature: signature === undefined ? undefined : String(signature),
        text,
        body: JSON.parse(text) as Delivery["body"]
      })
      if (answer.status === 0) request.socket.destroy()
      else response.writeHead(answer.status, answer.headers).end()
    })
  )
  return { deliveries, url: `${url}hooks/s3cret` }
})

const alerts = [itemAlert(), jobAlert()] as const

const send = (url: string, options: Partial<WebhookSink.Options> = {}) =>
  WebhookSink.make({ url: Redacted.make(url), ...options })
    .send([...alerts], noMessage)
    .pipe(Effect.provide(FetchHttpClient.layer))

const secretOf = (length: number, byte: number) =>
  Redacted.make(`whsec_${Buffer.alloc(length, byte).toString("base64")}`)

describe("a delivery", () => {
  it.live("is one POST of all alerts, in the documented shape", () =>
    Effect.gen(function* () {
      const { deliveries, url } = yield* receiver({ status: 204 })
      yield* send(url)
      assert.lengthOf(deliveries, 1)
      const [{ body, id, timestamp }] = deliveries as [Delivery]
      assert.deepStrictEqual(body, JSON.parse(readFileSync(new URL("fixtures/delivery.json", import.meta.url), "utf8")))
      assert.match(id, /^msg_[0-9a-f]{32}$/)
      assert.closeTo(Number(timestamp), Date.now() / 1000, 60)
    })
  )

  it.live("has the same id and body in each attempt, and another one for other alerts", () =>
    Effect.gen(function* () {
      const { deliveries, url } = yield* receiver({ status: 200 })
      const sink = WebhookSink.make({ url: Redacted.make(url) })
      for (const batch of [[itemAlert()], [itemAlert()], [jobAlert()]] as const)
        yield* Effect.provide(sink.send([...batch], noMessage), FetchHttpClient.layer)
      const [first, second, other] = deliveries
      assert.deepStrictEqual([first?.id, first?.body], [second?.id, second?.body])
      assert.notStrictEqual(first?.id, other?.id)
    })
  )

  it.live("is signed with every secret, as the receivers' libraries check it", () =>
    Effect.gen(function* () {
      const { deliveries, url } = yield* receiver({ status: 200 })
      const secrets = [secretOf(24, 1), secretOf(64, 2)]
      yield* send(url, { secrets })
      const [delivery] = deliveries
      const headers = {
        "webhook-id": delivery?.id ?? "",
        "webhook-timestamp": delivery?.timestamp ?? "",
        "webhook-signature": delivery?.signature ?? ""
      }
      const body = delivery?.text ?? ""
      for (const secret of secrets) {
        assert.deepStrictEqual(new StandardWebhooks(Redacted.value(secret)).verify(body, headers), delivery?.body)
        // It gives no body back: a signature that is wrong throws.
        assert.doesNotThrow(() => new Svix(Redacted.value(secret)).verify(body, headers))
      }
      for (const Library of [StandardWebhooks, Svix]) {
        const verify = (secret: Redacted.Redacted, text: string) =>
          new Library(Redacted.value(secret)).verify(text, headers)
        assert.throws(() => verify(secretOf(24, 3), body), "No matching signature found")
        for (const secret of secrets)
          assert.throws(() => verify(secret, body.replace("item", "job")), "No matching signature found")
      }
    })
  )

  const refusals: ReadonlyArray<readonly [answer: Answer, message: string, reason: string, verdict: string]> = [
    [{ status: 301, headers: { location: "/elsewhere" } }, "answered 301", "redirect", "Permanent"],
    [{ status: 307, headers: { location: "/elsewhere" } }, "answered 307", "redirect", "Permanent"],
    [{ status: 400 }, "answered 400", "refused", "Permanent"],
    [{ status: 401 }, "answered 401", "gone", "Permanent"],
    [{ status: 403 }, "answered 403", "gone", "Permanent"],
    [{ status: 404 }, "answered 404", "gone", "Permanent"],
    [{ status: 410 }, "answered 410", "gone", "Permanent"],
    [{ status: 413 }, "answered 413", "too large", "Permanent"],
    [{ status: 429, headers: { "retry-after": "3600" } }, "answered 429", "busy", "Throttled"],
    [{ status: 500 }, "answered 500", "failed", "Transient"],
    [{ status: 501 }, "answered 501", "refused", "Permanent"],
    [{ status: 503, headers: { "retry-after": "7" } }, "answered 503", "busy", "Throttled"],
    [{ status: 0 }, "no answer: connection_reset", "unreachable", "Transient"]
  ]
  for (const [answer, message, reason, verdict] of refusals) {
    it.live(`that is met with ${JSON.stringify(answer)} fails once, and says why`, () =>
      Effect.gen(function* () {
        const { deliveries, url } = yield* receiver(answer)
        const error = yield* Effect.flip(send(url))
        assert.include(error.message, message)
        assert.deepStrictEqual([error.reason, error.verdict?._tag], [reason, verdict])
        assert.lengthOf(deliveries, 1)
      })
    )
  }

  it.live("that fails shows nothing of the URL", () =>
    Effect.gen(function* () {
      const { url } = yield* receiver({ status: 0 })
      const error = yield* Effect.flip(send(url))
      assert.notInclude(`${error.message} ${error.stack} ${JSON.stringify(error)}`, "s3cret")
    })
  )
})
