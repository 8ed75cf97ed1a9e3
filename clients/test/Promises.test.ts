import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import { isRetryExhausted } from "@redrive/retry/RetryExhausted"
import * as Report from "@redrive/core/Report"
import * as Program from "@redrive/testing/Program"
import axios, { create } from "axios"
import * as Effect from "effect/Effect"
import got from "got"
import { request } from "undici"

/** Clients as programs use them: each takes the attempt's signal, and has no retries of its own. */
const clients: { readonly [name: string]: (url: string, signal: AbortSignal) => Promise<string> } = {
  axios: async (url, signal) => (await axios.get<string>(url, { signal })).data,
  got: (url, signal) => got(url, { signal, retry: { limit: 0 } }).text(),
  undici: async (url, signal) => {
    const { body, statusCode } = await request(url, { signal })
    const text = await body.text()
    if (statusCode >= 400) throw Object.assign(new Error(`status ${statusCode}`), { statusCode })
    return text
  }
}

const soon = { base: "5 millis", cap: "10 millis" } as const
const runner = Retry.make(
  RetryPolicy.make({ retries: 2, attemptTimeout: "500 millis", quick: soon, steady: soon, server: soon }),
  "page"
)

describe.each(Object.keys(clients))("a call by promises, of %s,", (name) => {
  const client = clients[name] ?? assert.fail(`no client ${name}`)

  it.live("is tried again after a 503, and not after a 404", () =>
    Effect.gen(function* () {
      let asked = 0
      const server = createServer(({ url }, response) => {
        asked++
        response.writeHead(url === "/gone" ? 404 : asked < 3 ? 503 : 200).end("a page")
      })
      const origin = yield* Program.serve(server)
      const get = (path: string) => runner.promise((signal) => client(new URL(path, origin).href, signal))
      assert.strictEqual(yield* Effect.promise(() => get("/")), "a page")
      assert.strictEqual(asked, 3)
      const error = yield* Effect.promise(() => get("/gone").catch((error: unknown) => error))
      assert.isTrue(isRetryExhausted(error) && error.because === "permanent" && error.attempts.length === 1)
    })
  )

  it.live("ends its request when an attempt times out, and gets its answer from the next", () =>
    Effect.gen(function* () {
      const closed = Promise.withResolvers<void>()
      let asked = 0
      const server = createServer((_, response) => {
        if (++asked > 1) return void response.end("a page")
        response.once("close", closed.resolve)
      })
      const origin = yield* Program.serve(server)
      assert.strictEqual(yield* Effect.promise(() => runner.promise((signal) => client(origin, signal))), "a page")
      yield* Effect.promise(() => closed.promise)
      assert.strictEqual(asked, 2)
    })
  )
})

/** What clients throw of an answer, or of no answer. `fetch` throws no answer itself. */
const hosts: { readonly [name: string]: (url: string) => Promise<unknown> } = {
  axios: (url) => axios.get(url),
  "axios with a base": (url) => create({ baseURL: new URL(url).origin }).get(new URL(url).pathname),
  got: (url) => got(url, { retry: { limit: 0 } }),
  fetch: async (url) => {
    const response = await fetch(url)
    throw response
  }
}

describe.each(Object.keys(hosts))("the report of an error of %s", (name) => {
  it.live("has the host that was asked", () =>
    Effect.gen(function* () {
      const origin = yield* Program.serve(createServer((_, response) => response.writeHead(404).end()))
      const error = yield* Effect.promise(() =>
        (hosts[name] ?? assert.fail())(new URL("/gone?token=t", origin).href).catch((error: unknown) => error)
      )
      assert.strictEqual(Report.make(error).host, new URL(origin).host)
      assert.strictEqual(Report.make(new Error("no page", { cause: error })).host, new URL(origin).host)
    })
  )
})
