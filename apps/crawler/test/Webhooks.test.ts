import { createServer, type IncomingHttpHeaders } from "node:http"
import { text as textOf } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Webhook } from "standardwebhooks"
import * as Service from "../src/service/Service.ts"
import { ask, crawl, create, withService } from "./api.ts"
import { folder } from "./files.ts"
import { site } from "./origin.ts"

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A receiver that answers with what it is told to. */
const receiver = Effect.fnUntraced(function* (answer: (count: number) => number) {
  const received: Array<Received> = []
  const url = yield* Program.serve(
    createServer(async (request, response) => {
      received.push({ headers: request.headers, text: await textOf(request) })
      response.writeHead(answer(received.length)).end()
    })
  )
  return { received, url: `${url}/hook` }
})

const until = <E, R>(isSo: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(isSo, (done) => (done ? Effect.void : Effect.andThen(Effect.sleep("20 millis"), until(isSo))))

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

describe("a webhook", () => {
  it.live("tells that a job has ended, signed, and is told again under the same id when it was not taken", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": "<p>text</p>" })
      const hook = yield* receiver((count) => (count === 1 ? 503 : 204))
      yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url, webhook_url: hook.url })
          assert.strictEqual(job.webhook_url, hook.url)
          yield* until(Effect.sync(() => hook.received.length === 2))
          const [first, second] = hook.received
          assert.strictEqual(first?.headers["webhook-id"], job.id)
          assert.strictEqual(second?.headers["webhook-id"], job.id)
          for (const { headers, text } of hook.received) {
            const body = new Webhook(secret).verify(text, {
              "webhook-id": String(headers["webhook-id"]),
              "webhook-timestamp": String(headers["webhook-timestamp"]),
              "webhook-signature": String(headers["webhook-signature"])
            }) as { readonly id: string; readonly status: string; readonly job_items: ReadonlyArray<object> }
            assert.deepInclude(body, { id: job.id, status: "done" })
            assert.lengthOf(body.job_items, 1)
          }
          const state = Effect.map(ask(`/v1/job/${job.id}`), ({ body }) => [body.webhook_status, body.webhook_error])
          yield* until(Effect.map(state, ([status]) => status === "delivered"))
          assert.deepStrictEqual(yield* state, ["delivered", ""])
        }),
        { webhookSecret: Redacted.make(secret) }
      )
    })
  )

  it.live("reaches a receiver that was away when the job ended, also after a restart", () =>
    Effect.gen(function* () {
      const database = `${yield* folder}/crawl.db`
      const { url } = yield* site({ "/": "<p>text</p>" })
      const port = yield* Program.freePort
      const id = yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url, webhook_url: `http://127.0.0.1:${port}/` })
          yield* until(
            Effect.map(
              ask(`/v1/job/${job.id}`),
              ({ body }) => body.webhook_status === "pending" && body.webhook_error !== ""
            )
          )
          return job.id
        }),
        { database }
      )
      const received: Array<string> = []
      const server = createServer(async (request, response) => {
        received.push(JSON.parse(await textOf(request)).id)
        response.end()
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      )
      yield* withService(until(Effect.sync(() => received.length > 0)), { database })
      assert.deepStrictEqual(received, [id])
    })
  )

  it.live("tells of a job that was cancelled", () =>
    Effect.gen(function* () {
      const hook = yield* receiver(() => 200)
      const slow = yield* Program.serve(createServer(() => undefined))
      yield* withService(
        Effect.gen(function* () {
          const { body } = yield* create({ url: slow, webhook_url: hook.url })
          yield* ask(`/v1/job/${body.id}/cancel`, { method: "PUT" })
          yield* until(Effect.sync(() => hook.received.length > 0))
          assert.deepInclude(JSON.parse(hook.received[0]?.text ?? ""), { id: body.id, status: "cancelled" })
        })
      )
    })
  )

  it.live("is sent again when somebody asks for it, under the same id, and the job tells what became of it", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": "<p>text</p>" })
      let isUp = true
      const hook = yield* receiver(() => (isUp ? 204 : 410))
      yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url, webhook_url: hook.url })
          const { url: api } = yield* Service.Service
          const seen = new Set<string>()
          const state = Effect.gen(function* () {
            const response = yield* Effect.promise(() =>
              fetch(new URL(`/v1/job/${job.id}`, api), { headers: { authorization: "Bearer local" } })
            )
            const { webhook_status } = (yield* Effect.promise(() => response.json())) as {
              readonly webhook_status: string
            }
            // Whoever asks with an etag hears of each change.
            seen.add(`${webhook_status} ${response.headers.get("etag")}`)
            return webhook_status
          })
          yield* until(Effect.map(state, (status) => status === "delivered"))
          isUp = false
          const { body, status } = yield* ask(`/v1/job/${job.id}/webhook`, { method: "POST" })
          assert.strictEqual(status, 200)
          assert.deepStrictEqual(body, {
            success: true,
            status_code: 0,
            webhook_error: "",
            webhook_url: hook.url,
            job_id: job.id,
            message: "Webhook queued: the job's webhook_status tells what becomes of it"
          })
          yield* until(Effect.sync(() => hook.received.length >= 2))
          yield* until(Effect.map(state, (status) => status !== "delivered"))
          isUp = true
          yield* ask(`/v1/job/${job.id}/webhook`, { method: "POST" })
          yield* until(Effect.map(state, (status) => status === "delivered"))
          assert.isAtLeast(hook.received.length, 3)
          for (const { headers } of hook.received) assert.strictEqual(headers["webhook-id"], job.id)
          const etags = [...seen].map((one) => one.split(" ")[1])
          assert.isAtLeast(new Set(etags).size, 2)
        })
      )
    })
  )

  it.live("is not sent again for a job that has none, that runs, or that is another's", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": "<p>text</p>" })
      const hook = yield* receiver(() => 200)
      const slow = yield* Program.serve(createServer(() => undefined))
      yield* withService(
        Effect.gen(function* () {
          const { accounts } = yield* Service.Service
          yield* accounts.open({ id: "other", apiKey: Redacted.make("other"), balance: 1_000_000 })
          const resend = (id: string, key = "local") =>
            Effect.map(ask(`/v1/job/${id}/webhook`, { method: "POST", key }), ({ body, status }) => [
              status,
              body.error_code,
              body.error_message
            ])
          const silent = yield* crawl({ url })
          const running = yield* create({ url: slow, webhook_url: hook.url })
          const told = (why: string) => [400, "invalid_request", `id is invalid: ${why}`]
          assert.deepStrictEqual(yield* resend(silent.id), told("the job has no webhook_url"))
          assert.deepStrictEqual(
            yield* resend(running.body.id),
            told("the job has not ended, and its webhook has not been sent")
          )
          assert.strictEqual((yield* resend(silent.id, "other"))[0], 404)
          assert.lengthOf(hook.received, 0)
        })
      )
    })
  )

  it.live("goes to no private address", () =>
    withService(
      Effect.gen(function* () {
        for (const address of [
          "http://127.0.0.1:1/",
          "http://[::1]/",
          "http://169.254.169.254/x",
          "http://localhost/"
        ]) {
          const { body, status } = yield* create({ url: "https://example.com/", webhook_url: address })
          assert.deepStrictEqual(
            [status, body.error_message],
            [400, "webhook_url is invalid: it is a private address"],
            address
          )
        }
      }),
      { allowPrivate: false }
    )
  )
})
