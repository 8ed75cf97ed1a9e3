import { createServer as createHttp, type IncomingMessage, request as httpRequest } from "node:http"
import { createServer as createHttps, request as httpsRequest } from "node:https"
import { createServer as createTcp, type LookupFunction } from "node:net"
import { TLSSocket } from "node:tls"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import { Agent, fetch as undiciFetch, request as undiciRequest, type Agent as AgentType } from "undici"
import { lookupWith } from "./client.ts"
import { serveRaw } from "./raw.ts"

// Real servers count the requests they read, real clients report their failures: a request that was read must never count as unsent.

type Client = (url: string, options?: AgentType.Options["connect"] & object) => Promise<unknown>

const body = "a creation"

const byNode: Client = (url, options = {}) =>
  new Promise((resolve, reject) => {
    const make = url.startsWith("https:") ? httpsRequest : httpRequest
    const length = { "content-length": body.length }
    const request = make(
      url,
      { ...options, method: "POST", headers: length, agent: false, timeout: 200 } as object,
      (response) => {
        response
          .resume()
          .on("end", () => resolve(response))
          .on("error", reject)
      }
    )
    request
      .on("error", reject)
      .on("timeout", () => request.destroy(Object.assign(new Error("late"), { code: "ETIMEDOUT" })))
      .end(body)
  })

const withAgent =
  (send: (url: string, dispatcher: AgentType) => Promise<unknown>): Client =>
  async (url, options = {}) => {
    const agent = new Agent({ connect: options, headersTimeout: 200 })
    try {
      return await send(url, agent)
    } finally {
      await agent.destroy()
    }
  }

const clients: { readonly [name: string]: Client } = {
  "node:http": byNode,
  "undici.request": withAgent(async (url, dispatcher) =>
    (await undiciRequest(url, { method: "POST", body, dispatcher })).body.text()
  ),
  "undici.fetch": withAgent(async (url, dispatcher) =>
    (await undiciFetch(url, { method: "POST", body, dispatcher, redirect: "manual" })).text()
  )
}

const failureOf = (client: Client, url: string, options?: AgentType.Options["connect"] & object) =>
  Effect.flip(Effect.tryPromise(() => client(url, options)))

/** A key and an untrusted certificate, for a name that does not exist. */
const certificate = Effect.gen(function* () {
  const path = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "redrive-sent-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const [key, cert] = [join(path, "key"), join(path, "crt")]
  const subject = ["-subj", "/CN=other.invalid", "-addext", "subjectAltName=DNS:other.invalid"]
  yield* Program.output("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    ...subject,
    "-keyout",
    key,
    "-out",
    cert
  ])
  return { key: readFileSync(key), cert: readFileSync(cert) }
})

for (const [name, client] of Object.entries(clients)) {
  describe(`a request that ${name} could not send is unsent`, () => {
    it.live("when nothing listens on the port", () =>
      Effect.gen(function* () {
        const failure = yield* failureOf(client, `http://127.0.0.1:${yield* Program.freePort}/`)
        assert.isTrue(Classify.isUnsent(failure))
      })
    )

    it.live("when two addresses fail, in either order", () =>
      Effect.gen(function* () {
        const port = yield* Program.freePort
        for (const addresses of [
          ["127.0.0.1", "::1"],
          ["::1", "127.0.0.1"]
        ]) {
          const lookup: LookupFunction = (_host, _options, done) =>
            done(
              null,
              addresses.map((address) => ({ address, family: address === "::1" ? 6 : 4 }))
            )
          const failure = yield* failureOf(client, `http://two.invalid:${port}/`, { lookup, autoSelectFamily: true })
          assert.isTrue(Classify.isUnsent(failure))
          assert.strictEqual(Classify.thrown(failure).detail, "connection_refused")
        }
      })
    )

    it.live("when the resolver fails", () =>
      Effect.gen(function* () {
        const lookup = lookupWith(() =>
          Promise.reject(Object.assign(new Error("x"), { code: "ESERVFAIL", syscall: "queryA" }))
        )
        assert.isTrue(Classify.isUnsent(yield* failureOf(client, "http://nowhere.invalid/", { lookup })))
      })
    )

    it.live("when the server cuts the handshake", () =>
      Effect.gen(function* () {
        const port = yield* serveRaw((socket) => socket.destroy())
        assert.isTrue(Classify.isUnsent(yield* failureOf(client, `https://127.0.0.1:${port}/`)))
      })
    )
  })

  describe(`a request that ${name} lost may have been sent`, () => {
    it.live("when the server resets, hangs up or is silent after the request", () =>
      Effect.gen(function* () {
        let seen = 0
        const ends = [
          (request: IncomingMessage) => request.socket.resetAndDestroy(),
          (request: IncomingMessage) => request.socket.destroy(),
          () => undefined
        ]
        for (const end of ends) {
          const server = createHttp((request) => void request.resume().on("end", () => (seen++, end(request))))
          const failure = yield* failureOf(client, yield* Program.serve(server))
          assert.isTrue(Classify.isAmbiguous(failure))
        }
        assert.strictEqual(seen, ends.length)
      })
    )
  })
}

describe("a request that fetch lost after a redirect", () => {
  it.live("to an invalid URL was sent", () =>
    Effect.gen(function* () {
      const url = yield* Program.serve(
        createHttp((_, response) => response.writeHead(307, { location: "http://[" }).end())
      )
      assert.isTrue(Classify.isAmbiguous(yield* failureOf((url) => fetch(url, { method: "POST", body }), url)))
      assert.isTrue(Classify.isUnsent(yield* failureOf((url) => fetch(url, { method: "POST", body }), "http://[")))
    })
  )
})

describe.skipIf(Program.isMissing("openssl", "openssl"))("over TLS", () => {
  for (const [name, client] of Object.entries(clients)) {
    it.live(`${name} sends nothing to a server whose certificate it refuses`, () =>
      Effect.gen(function* () {
        const { cert, key } = yield* certificate
        let seen = 0
        const count = () => void seen++
        const server = createHttps({ key, cert }, count).on("secureConnection", (socket) => socket.on("data", count))
        server.on("tlsClientError", () => undefined)
        const url = (yield* Program.serve(server)).replace("http:", "https:")
        for (const options of [{}, { ca: cert }]) {
          const failure = yield* failureOf(client, url, options)
          assert.isTrue(Classify.isUnsent(failure))
          assert.strictEqual(Classify.thrown(failure).detail, "tls_certificate")
        }
        yield* Effect.sleep("50 millis")
        assert.strictEqual(seen, 0)
      })
    )

    it.live(`${name} cannot know the fate of a request on a connection that ends`, () =>
      Effect.gen(function* () {
        const { cert, key } = yield* certificate
        const failed: Array<unknown> = []
        let seen = 0
        for (const end of ["hang up", "no record"]) {
          const server = createTcp((raw) => {
            const socket = new TLSSocket(
              raw.on("error", () => undefined),
              { isServer: true, key, cert }
            )
            socket
              .on("error", () => undefined)
              .once("data", () => {
                seen++
                // Bytes written around the encryption are not a TLS record.
                if (end === "hang up") raw.destroy()
                else raw.end("garbage".repeat(9))
              })
          })
          const closing = Object.assign(server, { closeAllConnections: () => undefined })
          const url = (yield* Program.serve(closing)).replace("http:", "https:")
          failed.push(yield* failureOf(client, url, { rejectUnauthorized: false }))
        }
        assert.strictEqual(seen, failed.length)
        for (const failure of failed) assert.isTrue(Classify.isAmbiguous(failure))
      })
    )
  }
})
