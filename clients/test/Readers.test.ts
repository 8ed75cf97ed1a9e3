import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import { assert, describe, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import * as retry from "@smithy/core/retry"
import * as bullmq from "bullmq"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import kafka from "kafkajs"
import { APIConnectionError, APIConnectionTimeoutError, APIUserAbortError, OpenAI } from "openai"
import { Stripe } from "stripe"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Program from "@redrive/testing/Program"
import { thrown } from "../src/Failed.ts"
import * as GrpcClient from "../src/GrpcClient.ts"
import * as Mysql from "../src/Mysql.ts"
import * as Postgres from "../src/Postgres.ts"

// Verdicts on errors that the clients' own packages made.

const { permanent, throttled, transient } = Verdict

const require = createRequire(import.meta.url)

interface Reply {
  readonly status: number
  readonly body: object
  readonly headers?: { readonly [name: string]: string }
}

/** A web server that answers each request with the current `reply`. */
const replying = (replies: { reply: Reply }) =>
  Program.serve(
    createServer((request, response) => {
      request.resume()
      const { body, headers, status } = replies.reply
      response.writeHead(status, { "content-type": "application/json", ...headers })
      response.end(JSON.stringify(body))
    })
  )

/** The error with which a client's promise rejects. */
const rejected = (call: () => Promise<unknown>) => Effect.map(thrown("a call", call), ({ threw }) => threw)

describe("AWS", () => {
  /** A list inside the SDK that it does not export. */
  const listOf = (name: string): ReadonlyArray<string> => {
    const source = readFileSync(require.resolve("@smithy/core/retry"), "utf8")
    const [, list = ""] = new RegExp(`${name} = \\[([^\\]]*)\\]`).exec(source) ?? []
    return [...list.matchAll(/"(\w+)"/g)].map(([, code = ""]) => code)
  }

  const calling = (replies: { reply: Reply }) =>
    Effect.map(replying(replies), (endpoint) => {
      const client = new SQSClient({
        endpoint,
        region: "us-east-1",
        credentials: { accessKeyId: "x", secretAccessKey: "x" },
        maxAttempts: 1
      })
      const send = new SendMessageCommand({ QueueUrl: endpoint, MessageBody: "x" })
      return (reply: Reply) => {
        replies.reply = reply
        return rejected(() => client.send(send))
      }
    })

  const failing = Effect.suspend(() => calling({ reply: { status: 400, body: {} } }))
  const named = (name: string, status = 400, headers = {}) => ({
    status,
    body: { __type: name, message: "no" },
    headers
  })

  it.live("is throttled for each name in its own list, with the wait of the answer", () =>
    Effect.gen(function* () {
      const fail = yield* failing
      const names = listOf("THROTTLING_ERROR_CODES")
      assert.isAbove(names.length, 10)
      for (const name of names) {
        const error = yield* fail(named(name))
        assert.isTrue(retry.isThrottlingError(error as never), name)
        assert.deepStrictEqual(Judge.verdictOf(error), throttled(), name)
        const told = yield* fail(named(name, 400, { "retry-after": "7" }))
        assert.deepStrictEqual(Judge.verdictOf(told), throttled(Duration.seconds(7)), name)
      }
    })
  )

  it.live("is transient where its own list says so, even with a status of 400", () =>
    Effect.gen(function* () {
      const fail = yield* failing
      const names = listOf("TRANSIENT_ERROR_CODES")
      assert.include(names, "RequestTimeout")
      for (const name of names) {
        const error = yield* fail(named(name))
        assert.isTrue(retry.isTransientError(error as never), name)
        assert.isTrue(Verdict.isRetryable(Judge.verdictOf(error)), name)
      }
      assert.deepStrictEqual(Judge.verdictOf(yield* fail(named("RequestTimeout"))), transient("quick"))
      for (const status of [500, 502, 503, 504]) {
        const error = yield* fail(named("InternalFailure", status))
        assert.isTrue(retry.isTransientError(error as never), String(status))
        const verdict = Judge.verdictOf(error)
        assert.isTrue(Verdict.isRetryable(verdict) && !("limit" in verdict), String(status))
      }
    })
  )

  it("retries the Node.js errors in its own lists, with a limit only for an unknown name", () => {
    const codes = [...listOf("NODEJS_TIMEOUT_ERROR_CODES"), ...listOf("NODEJS_NETWORK_ERROR_CODES")]
    assert.include(codes, "ECONNREFUSED")
    for (const code of codes) {
      const expected = code === "ENOTFOUND" ? transient("quick", 2) : transient("quick")
      assert.deepStrictEqual(Judge.verdictOf(Object.assign(new Error(code), { code, $metadata: {} })), expected, code)
    }
  })

  it.live("is retried once when the SDK has corrected its clock by the answer", () =>
    Effect.gen(function* () {
      const fail = yield* failing
      const skewed = yield* fail(named("RequestTimeTooSkewed", 403, { date: "Tue, 24 Nov 2020 00:00:00 GMT" }))
      assert.isTrue(retry.isClockSkewCorrectedError(skewed as never) === true)
      assert.deepStrictEqual(Judge.verdictOf(skewed), transient("quick", 1))
      assert.deepStrictEqual(Judge.verdictOf(yield* fail(named("RequestTimeTooSkewed", 403))), permanent)
    })
  )

  it.live("gives up a refusal, even if its name resembles a throttle", () =>
    Effect.gen(function* () {
      const fail = yield* failing
      for (const name of ["InvalidParameterValue", "QueueDoesNotExist", "InstanceLimitExceeded", "AccessDenied"]) {
        assert.deepStrictEqual(Judge.verdictOf(yield* fail(named(name))), permanent, name)
      }
    })
  )
})

describe("gRPC", () => {
  const failing = (status: Partial<grpc.StatusObject>) =>
    Effect.flatMap(
      GrpcClient.server((_, done) => done({ code: grpc.status.UNKNOWN, details: "no", ...status })),
      (address) => rejected(() => GrpcClient.create(address))
    )

  const codes: ReadonlyArray<readonly [codes: string, expected: Verdict.Verdict]> = [
    ["UNAVAILABLE ABORTED", transient("quick")],
    ["DEADLINE_EXCEEDED", transient("steady")],
    ["RESOURCE_EXHAUSTED", throttled()],
    ["UNKNOWN INTERNAL", transient("quick", 1)],
    ["CANCELLED INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED FAILED_PRECONDITION", permanent],
    ["OUT_OF_RANGE UNIMPLEMENTED DATA_LOSS UNAUTHENTICATED", permanent]
  ]
  for (const [list, expected] of codes) {
    it.live(`${Verdict.format(expected)}: ${list}`, () =>
      Effect.gen(function* () {
        for (const code of list.split(" ")) {
          const error = yield* failing({ code: grpc.status[code as keyof typeof grpc.status] })
          assert.deepStrictEqual(Judge.verdictOf(error), expected, code)
          assert.deepStrictEqual(Judge.verdictOf({ _tag: "Wrapped", cause: error }), expected, code)
        }
      })
    )
  }

  it.live("honours a server's pushback, also one that forbids a retry or cannot be read (gRFC A6)", () =>
    Effect.gen(function* () {
      for (const code of [grpc.status.UNAVAILABLE, grpc.status.RESOURCE_EXHAUSTED]) {
        const pushed = (value: string) => {
          const metadata = new grpc.Metadata()
          metadata.set("grpc-retry-pushback-ms", value)
          return Effect.map(failing({ code, metadata }), (error) => Judge.verdictOf(error))
        }
        assert.deepStrictEqual(yield* pushed("1500"), throttled(Duration.millis(1500)))
        assert.deepStrictEqual(yield* pushed("0"), throttled(Duration.zero))
        for (const value of ["-1", "2s", "soon"]) assert.deepStrictEqual(yield* pushed(value), permanent, value)
      }
    })
  )

  /** A Protocol Buffers field of bytes. */
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes])

  const details = (type: string, value: Uint8Array) => {
    const any = Buffer.concat([field(1, Buffer.from(`type.googleapis.com/${type}`)), field(2, value)])
    const metadata = new grpc.Metadata()
    metadata.set(
      "grpc-status-details-bin",
      Buffer.concat([Buffer.from([8, 8]), field(2, Buffer.from("no")), field(3, any)])
    )
    return metadata
  }

  it.live("honours google.rpc.RetryInfo among the details, and ignores the rest", () =>
    Effect.gen(function* () {
      // 200 s and 500 ms: seconds = 200, nanos = 500000000.
      const delay = field(1, Buffer.from([8, 200, 1, 16, 0x80, 0xca, 0xb5, 0xee, 1]))
      const told = (code: grpc.status, metadata: grpc.Metadata) =>
        Effect.map(failing({ code, metadata }), (error) => Judge.verdictOf(error))
      const info = details("google.rpc.RetryInfo", delay)
      const { INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE } = grpc.status
      const wait = throttled(Duration.millis(200_500))
      assert.deepStrictEqual(yield* told(RESOURCE_EXHAUSTED, info), wait)
      assert.deepStrictEqual(yield* told(UNAVAILABLE, info), wait)
      assert.deepStrictEqual(yield* told(INVALID_ARGUMENT, info), permanent)
      const empty = details("google.rpc.RetryInfo", Buffer.alloc(0))
      const others = [empty, details("google.rpc.ErrorInfo", delay), details("google.rpc.RetryInfo", Buffer.from([8]))]
      for (const other of others) assert.deepStrictEqual(yield* told(RESOURCE_EXHAUSTED, other), throttled())
    })
  )
})

describe.skipIf(Postgres.isMissing())("PostgreSQL", () => {
  const states: ReadonlyArray<readonly [states: string, expected: Verdict.Verdict]> = [
    ["40001 40P01 40003 55P03 55006 08000 08006 57P05", transient("quick")],
    ["57P01 57P02 57P03 53100 53200", transient("steady")],
    ["53300", throttled()],
    ["57014", transient("steady", 1)],
    ["25006 58030", transient("steady", 2)],
    ["08P01 XX000 HV000", transient("quick", 1)],
    ["22001 22012 23502 23505 23514 25001 28P01 28000 2BP01 3D000 3F000", permanent],
    ["40002 42501 42601 42703 42P01 0A000 54001 55000 57P04 P0001", permanent]
  ]

  it.live("is judged by SQLSTATE", () =>
    Effect.gen(function* () {
      const config = yield* Postgres.server(undefined)
      for (const [list, expected] of states) {
        for (const state of list.split(" ")) {
          const { threw } = yield* Postgres.raise(config, state)
          assert.strictEqual((threw as { readonly code: unknown }).code, state)
          assert.deepStrictEqual(Judge.verdictOf(threw), expected, state)
          assert.deepStrictEqual(Judge.verdictOf(new Error("in the repository", { cause: threw })), expected, state)
        }
      }
    })
  )
})

describe("MySQL", () => {
  const errors: ReadonlyArray<readonly [errno: number, state: string, expected: Verdict.Verdict]> = [
    [1213, "40001", transient("quick")],
    [1205, "HY000", transient("quick")],
    [3572, "HY000", transient("quick")],
    [1158, "08S01", transient("quick")],
    [1053, "08S01", transient("steady")],
    [3024, "HY000", transient("steady", 1)],
    [1317, "70100", transient("steady", 1)],
    [1203, "42000", throttled()],
    [1226, "42000", throttled()],
    [1129, "HY000", permanent],
    [1043, "08S01", permanent],
    [1047, "08S01", permanent],
    [1153, "08S01", permanent],
    [1251, "08004", permanent],
    [1040, "08004", throttled()],
    [1160, "08S01", transient("quick")],
    [1062, "23000", permanent],
    [1064, "42000", permanent],
    [1146, "42S02", permanent],
    [1406, "22001", permanent],
    [1364, "HY000", transient("quick", 1)]
  ]

  it.live("is judged by error number and SQLSTATE", () =>
    Effect.gen(function* () {
      const port = yield* Mysql.server(
        Object.fromEntries(errors.map(([errno, state]) => [String(errno), [errno, state, "no"] as const]))
      )
      for (const [errno, state, expected] of errors) {
        const error = yield* rejected(() => Mysql.query(port, String(errno)))
        assert.deepInclude(error, { errno, sqlState: state })
        assert.deepStrictEqual(Judge.verdictOf(error), expected, String(errno))
      }
    })
  )
})

describe("kafkajs", () => {
  const { createErrorFromCode, errorCodes } = require("kafkajs/src/protocol/error.js") as {
    readonly createErrorFromCode: (code: number) => { readonly type: string; readonly retriable: boolean }
    readonly errorCodes: ReadonlyArray<{ readonly code: number }>
  }

  it("says itself whether a protocol error is retriable", () => {
    assert.isAbove(errorCodes.length, 80)
    for (const { code } of errorCodes) {
      const error = createErrorFromCode(code)
      assert.strictEqual(Verdict.isRetryable(Judge.verdictOf(error)), error.retriable, error.type)
    }
  })

  it.live("is judged by the cause when its own retries are exhausted", () =>
    Effect.gen(function* () {
      const port = yield* Program.freePort
      const client = new kafka.Kafka({
        brokers: [`127.0.0.1:${port}`],
        logLevel: kafka.logLevel.NOTHING,
        retry: { retries: 0 }
      })
      const error = yield* rejected(() => client.producer().connect())
      assert.deepInclude(error, { name: "KafkaJSNumberOfRetriesExceeded", retriable: false })
      assert.deepStrictEqual(Judge.verdictOf(error), transient("quick"))
    })
  )

  it("gives up errors that it calls not retriable", () => {
    assert.deepStrictEqual(Judge.verdictOf(new kafka.KafkaJSNonRetriableError("no")), permanent)
  })
})

describe("BullMQ", () => {
  it("gives up unrecoverable errors, and those that take the job away from its worker", () => {
    class Declined extends bullmq.UnrecoverableError {}
    const errors = [new bullmq.UnrecoverableError("no"), new bullmq.UnrecoverableError(), new Declined("no")]
    const moved = [new bullmq.DelayedError(), new bullmq.WaitingChildrenError(), new bullmq.RateLimitError()]
    for (const error of [...errors, ...moved]) assert.deepStrictEqual(Judge.verdictOf(error), permanent, error.message)
  })
})

describe("OpenAI", () => {
  const calling = (replies: { reply: Reply }) =>
    Effect.map(replying(replies), (baseURL) => {
      const client = new OpenAI({ baseURL, apiKey: "x", maxRetries: 0, timeout: 30_000 })
      return (reply: Reply) => {
        replies.reply = reply
        return Effect.map(
          rejected(() => client.models.list()),
          (error) => Judge.verdictOf(error)
        )
      }
    })

  it.live("an empty quota is given up, a rate limit is not, and the server's advice decides", () =>
    Effect.gen(function* () {
      const judged = yield* calling({ reply: { status: 200, body: {} } })
      const error = (code: string) => ({ error: { code, type: code, message: "no" } })
      const quota = { status: 429, body: error("insufficient_quota"), headers: { "retry-after": "7" } }
      assert.deepStrictEqual(yield* judged(quota), permanent)
      const limit = { status: 429, body: error("rate_limit_exceeded"), headers: { "retry-after": "7" } }
      assert.deepStrictEqual(yield* judged(limit), throttled(Duration.seconds(7)))
      const advised = (status: number, advice: string) =>
        judged({ status, body: error("x"), headers: { "x-should-retry": advice } })
      assert.deepStrictEqual(yield* advised(429, "false"), permanent)
      assert.deepStrictEqual(yield* advised(400, "true"), transient("quick"))
      assert.deepStrictEqual(yield* advised(500, "true"), transient("steady"))
    })
  )

  it("has errors that only their class tells apart", () => {
    assert.deepStrictEqual(Judge.verdictOf(new APIUserAbortError()), permanent)
    assert.deepStrictEqual(Judge.verdictOf(new APIConnectionTimeoutError()), transient("steady"))
    const cause = Object.assign(new Error("x"), { code: "ECONNREFUSED" })
    assert.deepStrictEqual(Judge.verdictOf(new APIConnectionError({ cause })), transient("quick"))
  })
})

describe("Stripe", () => {
  const calling = (url: string) => {
    const { hostname, port } = new URL(url)
    const client = new Stripe("sk_test_x", {
      host: hostname,
      port,
      protocol: "http",
      maxNetworkRetries: 0,
      timeout: 30_000
    })
    return rejected(() => client.charges.create({ amount: 1, currency: "eur", source: "tok_x" }))
  }

  it.live("a declined card is given up without parking; the server's advice decides", () =>
    Effect.gen(function* () {
      const replies: { reply: Reply } = { reply: { status: 200, body: {} } }
      const url = yield* replying(replies)
      const judged = (reply: Reply) => {
        replies.reply = reply
        return Effect.map(calling(url), (error) => Judge.verdictOf(error))
      }
      const declined = {
        error: { type: "card_error", code: "card_declined", decline_code: "do_not_honor", message: "no" }
      }
      assert.deepStrictEqual(yield* judged({ status: 402, body: declined }), permanent)
      const busy = { error: { type: "invalid_request_error", code: "lock_timeout", message: "no" } }
      assert.deepStrictEqual(yield* judged({ status: 429, body: busy }), throttled())
      const advised = (advice: string) =>
        judged({
          status: 500,
          body: { error: { type: "api_error", message: "no" } },
          headers: { "stripe-should-retry": advice }
        })
      assert.deepStrictEqual(yield* advised("false"), permanent)
      assert.deepStrictEqual(yield* advised("true"), transient("steady"))
    })
  )

  it.live("a failed connection is recognised by the error in its detail", () =>
    Effect.gen(function* () {
      const port = yield* Program.freePort
      assert.deepStrictEqual(Judge.verdictOf(yield* calling(`http://127.0.0.1:${port}`)), transient("quick"))
    })
  )
})
