import { createServer, type RequestListener } from "node:http"
import * as Program from "@redrive/testing/Program"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fetcher from "../src/page/Fetcher.ts"

/** A server that counts its connections; `most` were open at a time. */
const counting = Effect.fnUntraced(function* (listener: RequestListener) {
  const server = createServer(listener)
  const sockets = { open: 0, made: 0, most: 0 }
  server.on("connection", (socket) => {
    sockets.made++
    sockets.most = Math.max(sockets.most, ++sockets.open)
    socket.on("close", () => sockets.open--)
    socket.on("error", () => undefined)
  })
  return { sockets, url: yield* Program.serve(server) }
})

const fetching = Effect.fnUntraced(
  function* (url: string) {
    const fetcher = yield* Fetcher.Fetcher
    return yield* Effect.result(fetcher.fetch(url, { accept: "text/html" }))
  },
  Effect.provide(Fetcher.layer({ allowPrivate: true }))
)

const fetchingAll = Effect.fnUntraced(
  function* (url: string, paths: number) {
    const fetcher = yield* Fetcher.Fetcher
    return yield* Effect.forEach(
      Array.from({ length: paths }, (_, n) => n),
      (n) => Effect.result(fetcher.fetch(`${url}/${n}`, { accept: "text/html" })),
      { concurrency: 16 }
    )
  },
  Effect.provide(Fetcher.layer({ allowPrivate: true }))
)

const html = { "content-type": "text/html" }

describe("an answer that nobody reads keeps no connection", () => {
  it.live("whose body never ends", () =>
    Effect.gen(function* () {
      const { sockets, url } = yield* counting((_, response) => {
        response.writeHead(503).write("x".repeat(1000))
      })
      const results = yield* fetchingAll(url, 16)
      for (const result of results) assert.strictEqual(result._tag, "Failure")
      // The server hears of the end of a connection a moment after a new one began.
      assert.isAtMost(sockets.most, 8)
    })
  )

  it.live("whose body is long, of redirects", () =>
    Effect.gen(function* () {
      const { sockets, url } = yield* counting(({ url: path }, response) => {
        if (path === "/end") return response.writeHead(200, html).end("<p>ok")
        response.writeHead(302, { location: "/end" }).write("x".repeat(200_000))
        setTimeout(() => response.end("y".repeat(3_000_000)), 50)
      })
      const results = yield* fetchingAll(url, 60)
      for (const result of results) assert.strictEqual(result._tag, "Success")
      assert.isAtMost(sockets.most, 8)
    })
  )

  it.live("whose body is short is read, and its connection used again", () =>
    Effect.gen(function* () {
      const { sockets, url } = yield* counting(({ url: path }, response) => {
        if (path === "/end") return response.writeHead(200, html).end("<p>ok")
        response.writeHead(302, { location: "/end" }).end("moved")
      })
      yield* fetchingAll(url, 40)
      assert.strictEqual(sockets.made, 4)
    })
  )
})

describe("a redirect", () => {
  for (const to of ["http://user:pass@127.0.0.1/", "http://user@127.0.0.1/", "ftp://127.0.0.1/", "http://["]) {
    it.live(`to ${to} is the site's fault`, () =>
      Effect.gen(function* () {
        const { url } = yield* counting((_, response) => response.writeHead(302, { location: to }).end())
        const result = yield* fetching(url)
        assert.deepInclude(result._tag === "Failure" ? result.failure : {}, {
          _tag: "HostReturnedError",
          detail: "bad_redirect"
        })
      })
    )
  }
})

describe("a content type", () => {
  for (const type of ["TEXT/HTML", "Text/Html; Charset=UTF-8", " text/html"]) {
    it.live(`is known as ${JSON.stringify(type)}`, () =>
      Effect.gen(function* () {
        const { url } = yield* counting((_, response) => response.writeHead(200, { "content-type": type }).end("<p>x"))
        assert.strictEqual((yield* fetching(url))._tag, "Success")
      })
    )
  }
})
