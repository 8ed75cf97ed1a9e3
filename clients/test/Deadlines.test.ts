import { EventEmitter, once } from "node:events"
import { createServer, get } from "node:http"
import { DatabaseSync } from "node:sqlite"
import { connect as connectTcp } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { connect, createServer as createTlsServer } from "node:tls"
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import { assert, describe, it } from "@effect/vitest"
import axios from "axios"
import * as Effect from "effect/Effect"
import got from "got"
import ky from "ky"
import { OpenAI } from "openai"
import * as undici from "undici"
import * as Classify from "@redrive/core/Classify"
import * as Verdict from "@redrive/core/Verdict"
import * as Program from "@redrive/testing/Program"
import { thrown } from "../src/Failed.ts"
import * as Servers from "../src/Servers.ts"
import * as Table from "../src/Table.ts"

const { permanent, transient } = Verdict

/** Asks a server that never answers, until the signal calls it off. */
type Ask = (url: string, signal: AbortSignal) => Promise<unknown>

const clients: { readonly [client: string]: Ask } = {
  axios: (url, signal) => axios.post(url, "{}", { signal }),
  got: (url, signal) => got.post(url, { body: "{}", signal, retry: { limit: 0 } }),
  ky: (url, signal) => ky.post(url, { body: "{}", signal, retry: 0 }),
  fetch: (url, signal) => fetch(url, { signal }),
  undici: (url, signal) => undici.request(url, { signal }),
  "node:http": (url, signal) => new Promise((resolve, reject) => get(url, { signal }, resolve).on("error", reject)),
  "node:timers": (_, signal) => sleep(30_000, undefined, { signal }),
  "node:events": (_, signal) => once(new EventEmitter(), "nothing", { signal }),
  OpenAI: (url, signal) => new OpenAI({ apiKey: "x", baseURL: url, maxRetries: 0 }).models.list({ signal }),
  AWS: (endpoint, abortSignal) => {
    const credentials = { accessKeyId: "x", secretAccessKey: "x" }
    const client = new SQSClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 })
    return client.send(new SendMessageCommand({ QueueUrl: endpoint, MessageBody: "{}" }), { abortSignal })
  }
}

describe("a call that its signal calls off", () => {
  const silent = Effect.suspend(() => Program.serve(createServer((request) => void request.resume())))
  const failing = (ask: Ask, signal: AbortSignal) =>
    Effect.flatMap(silent, (url) =>
      Effect.map(
        thrown("a call", () => ask(url, signal)),
        ({ threw }) => threw
      )
    )

  for (const [client, ask] of Object.entries(clients)) {
    it.live(`${client}: may pass when its time is up`, () =>
      Effect.gen(function* () {
        for (const signal of [AbortSignal.timeout(60), AbortSignal.any([AbortSignal.timeout(60)])]) {
          const failure = yield* failing(ask, signal)
          // got says it as it says any time-out of its own.
          const [pace, detail] =
            client === "got" ? (["quick", "connect_timeout"] as const) : (["steady", "response_timeout"] as const)
          assert.deepStrictEqual(Verdict.of(failure), transient(pace))
          assert.deepStrictEqual(Verdict.of(new Error("x", { cause: failure })), transient(pace))
          assert.strictEqual(Classify.thrown(failure).detail, detail)
          assert.isTrue(Classify.isAmbiguous(failure))
        }
      })
    )

    it.live(`${client}: is given up when the caller wants it no longer`, () =>
      Effect.gen(function* () {
        const controller = new AbortController()
        setTimeout(() => controller.abort(), 60)
        const failure = yield* failing(ask, controller.signal)
        assert.deepStrictEqual(Verdict.of(failure), permanent)
        assert.deepStrictEqual(Verdict.of(new Error("x", { cause: failure })), permanent)
        assert.strictEqual(Classify.thrown(failure).detail, "cancelled")
      })
    )
  }
})

describe.skipIf(Table.lacksTls())("TLS that breaks once both sides have agreed on it", () => {
  it.live("may pass", () =>
    Effect.gen(function* () {
      const files = yield* Servers.certificate
      let isBroken = false
      const server = createTlsServer(files, (socket) => {
        socket.on("error", () => undefined)
        socket.once("data", () => {
          isBroken = true
          socket.write("an answer that is falsified on its way")
        })
      })
      const port = yield* Effect.map(
        Program.serve(Object.assign(server, { closeAllConnections: () => undefined })),
        (url) => Number(new URL(url).port)
      )
      const relay = yield* Servers.tcp((near) => {
        const far = connectTcp(port, "127.0.0.1")
        far.on("error", () => near.destroy())
        near.on("data", (data) => far.write(data)).on("close", () => far.destroy())
        far.on("data", (data: Buffer) => {
          if (isBroken) data[data.length - 1] = (data.at(-1) ?? 0) ^ 255
          near.write(data)
        })
      })
      const { threw } = yield* thrown(
        "a call",
        () =>
          new Promise((resolve, reject) => {
            const socket = connect({ port: relay, host: "127.0.0.1", rejectUnauthorized: false })
            socket
              .on("error", reject)
              .on("data", resolve)
              .on("secureConnect", () => socket.write("a question"))
          })
      )
      assert.match(String((threw as { readonly code: unknown }).code), /BAD_RECORD_MAC/)
      assert.deepStrictEqual(Verdict.of(threw), transient("quick"))
      assert.strictEqual(Classify.thrown(threw).detail, "tls_interrupted")
      assert.isTrue(Classify.isAmbiguous(threw))
    })
  )
})

describe("node:sqlite", () => {
  it.live("may pass while another connection holds the file", () =>
    Effect.gen(function* () {
      const path = join(yield* Servers.folder(), "db")
      const open = () => new DatabaseSync(path, { timeout: 0 })
      const [one, other] = [open(), open()]
      one.exec("CREATE TABLE t (id INTEGER PRIMARY KEY); BEGIN IMMEDIATE")
      const { threw } = yield* thrown("a write", async () => other.exec("INSERT INTO t VALUES (1)"))
      assert.include(threw, { code: "ERR_SQLITE_ERROR", errcode: 5 })
      assert.deepStrictEqual(Verdict.of(threw), transient("quick"))
      one.exec("COMMIT")
      other.exec("INSERT INTO t VALUES (1)")
      const twice = yield* thrown("a second write", async () => one.exec("INSERT INTO t VALUES (1)"))
      assert.notDeepEqual(Verdict.of(twice.threw), transient("quick"))
      for (const database of [one, other]) database.close()
    })
  )
})
