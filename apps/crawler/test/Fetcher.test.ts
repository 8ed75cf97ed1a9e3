import { createServer, type RequestListener } from "node:http"
import * as Zlib from "node:zlib"
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

const text = `<p>${Array.from({ length: 3000 }, (_, n) => ((n * 2654435761) >>> 0).toString(36)).join(" ")}</p>`

/** What one answer is read as: the page's text, or the status and the detail of its failure. */
const readAs = Effect.fnUntraced(function* (
  headers: Record<string, string | Array<string>>,
  body: Uint8Array | string,
  status = 200
) {
  const { url } = yield* counting((_, response) => response.writeHead(status, headers).end(body))
  const result = yield* fetching(url)
  if (result._tag === "Success") return result.success.text
  const { detail, ...reason } = result.failure
  return { _tag: reason._tag, status: "status" in reason ? reason.status : undefined, detail }
})

const site = (detail: string, status = 0) => ({ _tag: "HostReturnedError" as const, status, detail })

const coded: { readonly [coding: string]: Buffer } = {
  gzip: Zlib.gzipSync(text),
  "x-gzip": Zlib.gzipSync(text),
  GZIP: Zlib.gzipSync(text),
  deflate: Zlib.deflateSync(text),
  br: Zlib.brotliCompressSync(text),
  "gzip, br": Zlib.brotliCompressSync(Zlib.gzipSync(text)),
  "deflate, gzip": Zlib.gzipSync(Zlib.deflateSync(text))
}

describe("a content encoding", () => {
  for (const [coding, body] of Object.entries(coded)) {
    const headers = { ...html, "content-encoding": coding }
    it.live(`${coding} is taken off`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* readAs(headers, body), text)
      })
    )

    it.live(`${coding} of a cut body is the site's fault, however long it is`, () =>
      Effect.gen(function* () {
        for (const length of [1, Math.floor(body.length * 0.6), body.length - 1]) {
          assert.deepStrictEqual(yield* readAs(headers, body.subarray(0, length)), site("bad_encoding"), String(length))
        }
      })
    )
  }

  it.live("deflate without its header is taken off, and a cut one is the site's fault", () =>
    Effect.gen(function* () {
      const headers = { ...html, "content-encoding": "deflate" }
      const body = Zlib.deflateRawSync(text)
      assert.strictEqual(yield* readAs(headers, body), text)
      assert.deepStrictEqual(yield* readAs(headers, body.subarray(0, -1)), site("bad_encoding"))
    })
  )

  for (const coding of ["gzip", "deflate", "br"]) {
    it.live(`${coding} that the body does not have is the site's fault`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* readAs({ ...html, "content-encoding": coding }, text), site("bad_encoding"))
      })
    )
  }

  for (const coding of ["compress", "zstd", "aws-chunked", "gzip, unknown", Array(6).fill("gzip").join(", ")]) {
    it.live(`${coding} is the site's fault`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* readAs({ ...html, "content-encoding": coding }, "x"), site("bad_encoding"))
      })
    )
  }

  for (const coding of [
    "identity",
    "",
    "none",
    "UTF-8",
    "identity, identity, identity, identity, identity, identity"
  ]) {
    it.live(`${JSON.stringify(coding)} leaves the body as it is`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* readAs({ ...html, "content-encoding": coding }, "<p>x"), "<p>x")
      })
    )
  }

  it.live("of an empty body is no fault", () =>
    Effect.gen(function* () {
      for (const coding of ["gzip", "deflate", "br"]) {
        assert.strictEqual(yield* readAs({ ...html, "content-encoding": coding }, ""), "")
      }
    })
  )

  it.live("does not hide how large the body is", () =>
    Effect.gen(function* () {
      const bomb = Zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024))
      assert.deepStrictEqual(yield* readAs({ ...html, "content-encoding": "gzip" }, bomb), site("too_large", 200))
    })
  )
})

describe("a gzip file", () => {
  const file = Zlib.gzipSync(text)
  const unpacking = Effect.fnUntraced(
    function* (body: Buffer, headers: Record<string, string>, unpack: boolean) {
      const fetcher = yield* Fetcher.Fetcher
      const { url } = yield* counting((_, response) => response.writeHead(200, headers).end(body))
      return yield* fetcher.fetch(url, { accept: "*/*", unpack }).pipe(
        Effect.map((page) => page.text),
        Effect.catch(({ _tag, ...reason }) =>
          Effect.succeed({ _tag, detail: reason.detail, status: "status" in reason ? reason.status : undefined })
        )
      )
    },
    Effect.provide(Fetcher.layer({ allowPrivate: true }))
  )

  const types = ["application/gzip", "application/xml", "text/plain"]
  for (const type of types) {
    it.live(`that is called ${type} is unpacked where that is asked for, also in a content encoding`, () =>
      Effect.gen(function* () {
        const headers = { "content-type": type }
        assert.strictEqual(yield* unpacking(file, headers, true), text)
        assert.strictEqual(
          yield* unpacking(Zlib.gzipSync(file), { ...headers, "content-encoding": "gzip" }, true),
          text
        )
        assert.strictEqual(yield* unpacking(file, { ...headers, "content-encoding": "gzip" }, true), text)
        assert.strictEqual(yield* unpacking(Buffer.from(text), headers, true), text)
        assert.notStrictEqual(yield* unpacking(file, headers, false), text)
      })
    )
  }

  it.live("that is cut, wrong or too large is the site's fault", () =>
    Effect.gen(function* () {
      const wrong = Buffer.from(file)
      wrong.writeUInt32LE(1, file.length - 8)
      for (const body of [file.subarray(0, 2), file.subarray(0, -1), wrong, Buffer.from("\x1f\x8bno", "latin1")])
        assert.deepStrictEqual(yield* unpacking(body, {}, true), site("bad_encoding"))
      const bomb = Zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024))
      assert.deepStrictEqual(yield* unpacking(bomb, {}, true), site("too_large", 200))
    })
  )
})

describe("a body that breaks off", () => {
  for (const length of [undefined, "1000"]) {
    it.live(`${length === undefined ? "between chunks" : "before its length"} is the site's fault`, () =>
      Effect.gen(function* () {
        const { url } = yield* counting((_, response) => {
          response.writeHead(200, length === undefined ? html : { ...html, "content-length": length }).write("<p>x")
          setTimeout(() => response.destroy(), 20)
        })
        const result = yield* fetching(url)
        assert.deepInclude(result._tag === "Failure" ? result.failure : {}, { status: 0, detail: "truncated_body" })
      })
    )
  }
})

describe("a status", () => {
  it.live("407 is the site's", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* readAs(html, "sign in", 407), site("proxy_auth", 407))
    })
  )
})

describe("a request", () => {
  it.live("tells the site nothing of the crawler's traces", () =>
    Effect.gen(function* () {
      const names: Array<string> = []
      const { url } = yield* counting((request, response) => {
        names.push(...Object.keys(request.headers))
        response.writeHead(200, html).end("<p>ok")
      })
      yield* Effect.withSpan(fetching(url), "page")
      assert.deepStrictEqual(names.toSorted(), [
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "host",
        "user-agent"
      ])
    })
  )
})

describe("a link", () => {
  for (const to of ["http://user:secret@127.0.0.1/", "http://127.0.0.1:25/", "http://127.0.0.1:6667/"]) {
    it.live(`to ${to} is no page`, () =>
      Effect.gen(function* () {
        const result = yield* fetching(to)
        assert.deepInclude(result._tag === "Failure" ? result.failure : {}, { status: 0, detail: "bad_link" })
      })
    )
  }
})

describe("a redirect's address", () => {
  for (const [location, path] of [
    [Buffer.from("/ök?q=日").toString("latin1"), "/%C3%B6k?q=%E6%97%A5"],
    ["/\u00f6k", "/%F6k"],
    ["/%C3%B6k", "/%C3%B6k"]
  ] as const) {
    it.live(`${JSON.stringify(location)} keeps its octets`, () =>
      Effect.gen(function* () {
        const paths: Array<string | undefined> = []
        const { url } = yield* counting((request, response) => {
          paths.push(request.url)
          if (request.url === "/") response.writeHead(302, { location }).end()
          else response.writeHead(200, html).end("<p>ok")
        })
        assert.strictEqual((yield* fetching(url))._tag, "Success")
        assert.deepStrictEqual(paths, ["/", path])
      })
    )
  }
})

describe("a content type", () => {
  for (const type of [
    "TEXT/HTML",
    "Text/Html; Charset=UTF-8",
    " text/html",
    "text/html;",
    "text/html, text/html",
    "nonsense"
  ]) {
    it.live(`is known as ${JSON.stringify(type)}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* readAs({ "content-type": type }, "<p>x"), "<p>x")
      })
    )
  }

  for (const type of ["application/pdf", "image/png", "text/html-sandboxed", "text/css"]) {
    it.live(`${type} is no text of a page that answered`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* readAs({ "content-type": type }, "<p>x"), site("no_content", 200))
      })
    )
  }

  it.live("that is not wanted is enough: the body is not read", () =>
    Effect.gen(function* () {
      let sent = 0
      const { url } = yield* counting((_, response) => {
        response.writeHead(200, { "content-type": "video/mp4" })
        const part = Buffer.alloc(256 * 1024)
        const more = () => {
          while (sent < 50_000_000 && !response.destroyed) {
            sent += part.length
            if (!response.write(part)) return response.once("drain", more)
          }
          return response.end()
        }
        more()
      })
      assert.strictEqual((yield* fetching(url))._tag, "Failure")
      // What the sockets of both ends hold counts as sent.
      assert.isBelow(sent, 10_000_000)
    })
  )

  it.live("that is not declared is looked for in the bytes", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* readAs({}, "<p>x"), "<p>x")
      assert.deepStrictEqual(yield* readAs({}, "%PDF-1.4 x"), site("no_content", 200))
      assert.deepStrictEqual(
        yield* readAs({}, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])),
        site("no_content", 200)
      )
      assert.strictEqual(yield* readAs({}, Buffer.from("\ufeff<p>x", "utf16le")), "<p>x")
    })
  )
})

describe("a charset", () => {
  const latin1 = (source: string) => Buffer.from(source, "latin1")
  const cases: ReadonlyArray<readonly [what: string, type: string, body: Buffer, text: string]> = [
    ["of the header", "text/html; charset=windows-1252", latin1("<p>\u0093caf\u00e9\u0094"), "<p>“café”"],
    [
      "of the header before that of the page",
      "text/html; charset=utf-8",
      Buffer.from("<meta charset=latin1>é"),
      "<meta charset=latin1>é"
    ],
    ["of the header, in quotes", 'text/html; charset="iso-8859-2"', Buffer.from([0xb1]), "ą"],
    ["of a meta element", "text/html", latin1("<meta charset=iso-8859-1>é"), "<meta charset=iso-8859-1>é"],
    [
      "of a meta element after a long comment",
      "text/html",
      latin1(`<!--${"x".repeat(3000)}--><meta charset=koi8-r>\u00c1`),
      `<!--${"x".repeat(3000)}--><meta charset=koi8-r>а`
    ],
    [
      "that is unknown, so that the page's own counts",
      "text/html; charset=none",
      latin1("<meta charset=koi8-r>\u00c1"),
      "<meta charset=koi8-r>а"
    ],
    [
      "of a meta element that says UTF-16 in ASCII is UTF-8",
      "text/html",
      Buffer.from("<meta charset=utf-16>é"),
      "<meta charset=utf-16>é"
    ],
    ["of a byte order mark before the header", "text/html; charset=iso-8859-1", Buffer.from("\ufeffé"), "é"],
    ["of a byte order mark of UTF-16", "text/html", Buffer.from("\ufeffé", "utf16le"), "é"],
    [
      "of an XML declaration",
      "text/html",
      latin1('<?xml version="1.0" encoding="iso-8859-1"?>é'),
      '<?xml version="1.0" encoding="iso-8859-1"?>é'
    ],
    ["that nobody declares, of UTF-8", "text/html", Buffer.from("é日"), "é日"],
    ["that nobody declares, of anything else", "text/html", latin1("\u0093é"), "“é"]
  ]
  for (const [what, type, body, expected] of cases) {
    it.live(what, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* readAs({ "content-type": type }, body), expected)
      })
    )
  }
})
