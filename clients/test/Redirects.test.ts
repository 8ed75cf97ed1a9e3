import { createServer } from "node:http"
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import { assert, describe, it } from "@effect/vitest"
import axios from "axios"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import got from "got"
import kafka from "kafkajs"
import ky from "ky"
import * as undici from "undici"
import * as Classify from "@redrive/core/Classify"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Operation from "@redrive/retry/Operation"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Program from "@redrive/testing/Program"
import { thrown } from "../src/Failed.ts"
import * as Servers from "../src/Servers.ts"

// A creation that a server has carried out, before the client is led or goes on to a request that fails.

/** Sends a creation, and throws what failed, or an answer. */
type Create = (url: string) => Promise<unknown>

const [method, body] = ["POST", "{}"]

const rejecting = <A>(answer: A): Promise<never> => Promise.reject(answer)

const dispatcher = new undici.Agent({ connect: { timeout: 300 } }).compose(
  undici.interceptors.redirect({ maxRedirections: 3 })
)

const clients: { readonly [client: string]: Create } = {
  axios: (url) => axios.post(url, body),
  got: (url) => got.post(url, { body, retry: { limit: 0 } }),
  ky: (url) => ky.post(url, { body, retry: 0 }),
  fetch: async (url) => rejecting(await fetch(url, { method, body })),
  "Effect's fetch": (url) =>
    Effect.runPromise(
      HttpClient.post(url).pipe(
        Effect.flatMap(HttpClientResponse.filterStatusOk),
        Effect.provide(FetchHttpClient.layer)
      )
    ),
  undici: async (url) => rejecting(await undici.request(url, { method, body, dispatcher }))
}

/** A server that carries out what is posted to it, and then redirects by the path's first part to what follows. */
const server = Program.serve(
  createServer((request, response) => {
    request.resume()
    const [, status = "", location = ""] = request.url?.split("/") ?? []
    if (location === "") response.writeHead(Number(status) || 429, { "content-type": "application/json" }).end("{}")
    else response.writeHead(Number(status), { location: decodeURIComponent(location) }).end()
  })
)

const failing = (create: Create, url: string) =>
  Effect.map(
    thrown("a creation", () => create(url)),
    ({ threw }) => threw
  )

describe("a creation may have happened", () => {
  for (const [client, create] of Object.entries(clients)) {
    it.live(`although ${client} was refused: after a redirect`, () =>
      Effect.gen(function* () {
        const url = yield* server
        for (const status of [400, 404, 429]) {
          const failure = yield* failing(create, `${url}303/${encodeURIComponent(`/${status}`)}`)
          assert.isTrue(Operation.isAmbiguous(failure), String(status))
          assert.isFalse(Operation.isAmbiguous(yield* failing(create, `${url}${status}`)), String(status))
        }
      })
    )

    it.live(`although nothing could be sent by ${client} to where it was redirected, if the URL is known`, () =>
      Effect.gen(function* () {
        const url = yield* server
        const port = yield* Program.freePort
        const targets = [`http://127.0.0.1:${port}/`, "http://nowhere.invalid/", "http://[bad"]
        for (const target of targets) {
          const from = `${url}307/${encodeURIComponent(target)}`
          const failure = yield* failing(create, from)
          assert.isTrue(Operation.isAmbiguous(failure, { url: from }), target)
          assert.isTrue(Classify.isAmbiguous(failure, { url: new URL(from) }), target)
          assert.isFalse(Classify.isUnsent(failure, { url: from }), target)
        }
        for (const asked of targets.slice(0, 2)) {
          const failure = yield* failing(create, asked)
          assert.isTrue(Classify.isUnsent(failure), asked)
          assert.isTrue(Classify.isUnsent(failure, { url: asked }), asked)
        }
      })
    )
  }

  it.live("although undici could not connect in time to where it was redirected, if the URL is known", () =>
    Effect.gen(function* () {
      const url = yield* server
      const target = `http://127.0.0.1:${yield* Servers.fullPort}/`
      const from = `${url}307/${encodeURIComponent(target)}`
      const failure = yield* failing(clients["undici"] ?? rejecting, from)
      assert.include(failure, { code: "UND_ERR_CONNECT_TIMEOUT" })
      assert.isTrue(Operation.isAmbiguous(failure, { url: from }))
      assert.isTrue(Classify.isUnsent(failure, { url: target }))
    })
  )

  it.live("so that a policy sends it no second time", () =>
    Effect.gen(function* () {
      const quick = { base: Duration.millis(1), cap: Duration.millis(1) }
      const policy = RetryPolicy.make({ retries: 2, quick, steady: quick, slow: quick, operation: "create" })
      let created = 0
      const url = yield* Program.serve(
        createServer((request, response) => {
          request.resume()
          if (request.method === "POST") created++
          if (request.method === "POST") response.writeHead(303, { location: "/busy" }).end()
          else response.writeHead(429, { "retry-after": "0" }).end()
        })
      )
      for (const [client, create] of Object.entries(clients)) {
        created = 0
        const call = Effect.tryPromise({ try: () => create(url), catch: (failure) => failure })
        yield* Effect.flip(Retry.retry(call, policy))
        assert.strictEqual(created, 1, client)
      }
    })
  )

  it.live("and is given up by any client where it is redirected to a scheme that it does not speak", () =>
    Effect.gen(function* () {
      const from = `${yield* server}307/${encodeURIComponent("ftp://127.0.0.1/")}`
      for (const [client, create] of Object.entries(clients)) {
        const failure = yield* failing(create, from)
        assert.deepStrictEqual(Judge.verdictOf(failure), Verdict.permanent, client)
        assert.isTrue(Operation.isAmbiguous(failure), client)
      }
    })
  )

  it.live("although the AWS SDK was refused: the second time", () =>
    Effect.gen(function* () {
      const replies = [500, 400, 400]
      const endpoint = yield* Program.serve(
        createServer((request, response) => {
          request.resume()
          response.writeHead(replies.shift() ?? 400, { "content-type": "application/x-amz-json-1.0" })
          response.end(JSON.stringify({ __type: "InvalidParameterValue", message: "no" }))
        })
      )
      const credentials = { accessKeyId: "x", secretAccessKey: "x" }
      const client = new SQSClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 2 })
      const send = () => client.send(new SendMessageCommand({ QueueUrl: endpoint, MessageBody: body }))
      const second = yield* failing(send, endpoint)
      assert.deepInclude((second as { readonly $metadata: object }).$metadata, { attempts: 2, httpStatusCode: 400 })
      assert.isTrue(Operation.isAmbiguous(second))
      assert.isFalse(Operation.isAmbiguous(yield* failing(send, endpoint)))
    })
  )

  it.live("although kafkajs was refused the connection: after its own retries", () =>
    Effect.gen(function* () {
      const brokers = [`127.0.0.1:${yield* Program.freePort}`]
      const connect = (retries: number) => {
        const retry = { retries, initialRetryTime: 5, maxRetryTime: 5 }
        const producer = new kafka.Kafka({ brokers, logLevel: kafka.logLevel.NOTHING, retry }).producer()
        return failing(() => producer.connect(), "")
      }
      const last = yield* connect(2)
      assert.isTrue(Operation.isAmbiguous(last))
      assert.isTrue(Verdict.isRetryable(Judge.verdictOf(last)))
      assert.isTrue(Classify.isUnsent(yield* connect(0)))
    })
  )
})
