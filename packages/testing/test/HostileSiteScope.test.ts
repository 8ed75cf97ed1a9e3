import * as Net from "node:net"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { get, statusOf } from "./client.ts"

const portOf = (url: string) => Number(new URL(url).port)

/** A connection that says nothing. */
const connect = (port: number) =>
  Effect.callback<Net.Socket>((resume) => {
    const socket = Net.connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
  })

const closed = (socket: Net.Socket) =>
  Effect.callback<void>((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    socket.resume()
  })

/** Fails where the port is taken. */
const listenOn = (port: number) =>
  Effect.callback<void, Error>((resume) => {
    const server = Net.createServer()
    server.once("error", (error) => resume(Effect.fail(error)))
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.void)))
  })

const open = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const site = yield* Scope.provide(HostileSite.make(), scope)
  return { close: Scope.close(scope, Exit.void), site }
})

describe("a site", () => {
  it.effect("ends every connection with its scope, without waiting for any, and frees its port", () =>
    Effect.gen(function* () {
      const { close, site } = yield* open
      const silent = yield* connect(portOf(site.url))
      const waiting = yield* Effect.forkChild(Effect.flip(get(site, "/slow-headers")))
      const stalled = yield* Effect.promise(() => fetch(new URL("/stalled-body", site.url)))
      const huge = yield* Effect.promise(() => fetch(new URL("/huge", site.url)))
      yield* Effect.repeat(Effect.andThen(get(site, "/no-links"), site.requests), {
        until: (log) => log.some(({ path }) => path === "/slow-headers")
      })
      // The test clock stands still: a site that waited for its own delays would never end.
      yield* close
      yield* closed(silent)
      yield* Fiber.join(waiting)
      yield* Effect.flip(Effect.tryPromise(() => stalled.text()))
      yield* Effect.flip(Effect.tryPromise(() => huge.text()))
      yield* listenOn(portOf(site.url))
    })
  )

  it.effect("refuses connections once its scope is closed", () =>
    Effect.gen(function* () {
      const { close, site } = yield* open
      assert.strictEqual(yield* statusOf(site, "/page/1"), 200)
      yield* close
      assert.strictEqual(Classify.thrown(yield* Effect.flip(get(site, "/page/1"))).detail, "connection_refused")
    })
  )

  it.effect("knows nothing of another site beside it", () =>
    Effect.gen(function* () {
      const one = yield* HostileSite.make()
      const other = yield* HostileSite.make()
      assert.notStrictEqual(one.url, other.url)
      assert.strictEqual(yield* statusOf(one, "/flaky"), 500)
      assert.strictEqual(yield* statusOf(one, "/flaky"), 500)
      assert.strictEqual(yield* statusOf(other, "/flaky"), 500)
      assert.strictEqual(yield* statusOf(one, "/flaky"), 200)
      yield* one.reset
      assert.deepStrictEqual(
        (yield* other.requests).map(({ attempt }) => attempt),
        [1]
      )
    })
  )

  it.effect("survives clients that talk nonsense or leave early", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const rude = yield* connect(portOf(site.url))
      rude.write("NONSENSE\r\n\r\n")
      yield* closed(rude)
      const gone = yield* connect(portOf(site.url))
      gone.write("GET /stalled-body HTTP/1.1\r\nhost: x\r\n\r\n")
      yield* Effect.callback((resume) => {
        gone.once("data", () => resume(Effect.void))
      })
      gone.resetAndDestroy()
      assert.strictEqual(yield* statusOf(site, "/page/1"), 200)
    })
  )
})

layer(HostileSite.layer({ seed: 3 }))("a site as a layer", (it) => {
  it.effect("is a service", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.HostileSite
      assert.match(site.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
      assert.strictEqual(yield* statusOf(site, "/"), 200)
    })
  )
})
