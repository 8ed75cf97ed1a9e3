import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpEffect from "effect/http/HttpEffect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Schema from "effect/Schema"

class Crawler extends RpcGroup.make(
  Rpc.make("fetch", { payload: { reason: ItemError.Reason }, error: ItemError.ItemError }),
  Rpc.make("run", { payload: { reason: JobError.Reason }, error: JobError.JobError })
) {}

const place = { jobId: "j1", itemId: "i1", url: "https://example.com/a" }

const handlers = Crawler.toLayer({
  fetch: ({ reason }) => Effect.fail(new ItemError.ItemError({ ...place, reason })),
  run: ({ reason }) => Effect.fail(new JobError.JobError({ operation: "poll", jobId: "j1", reason }))
})

/** A client whose calls go through the server's own HTTP handler, as JSON. */
const client = Effect.gen(function* () {
  const app = yield* RpcServer.toHttpEffect(Crawler)
  const handle = HttpEffect.toWebHandler(app)
  const fetch: typeof globalThis.fetch = (input, init) => handle(new Request(input, init))
  const protocol = RpcClient.layerProtocolHttp({ url: "http://rpc.test/" }).pipe(
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch)),
    Layer.provide(RpcSerialization.layerJson)
  )
  const context = yield* Layer.build(protocol)
  return yield* Effect.provide(RpcClient.make(Crawler), context)
}).pipe(Effect.provide([handlers, RpcSerialization.layerJson]))

/** What an error is, as far as a value can be compared. */
const whole = (error: ItemError.ItemError | JobError.JobError) => {
  const { code, lastError, message, verdict } = error
  const json = Schema.encodeSync(Schema.toCodecJson(Schema.Union([ItemError.ItemError, JobError.JobError])))(error)
  // As text, since a status of -0 arrives as 0; a wait is in the JSON, where it is exact to the millisecond.
  return JSON.stringify({ code, lastError, message, verdict: verdict._tag, json })
}

describe("errors through Effect RPC", () => {
  it.effect.prop("of an item arrive as they were sent", { reason: ItemError.Reason }, ({ reason }) =>
    Effect.gen(function* () {
      const { fetch } = yield* client
      const error = yield* Effect.flip(fetch({ reason }))
      assert.instanceOf(error, ItemError.ItemError)
      const sent = new ItemError.ItemError({ ...place, reason })
      assert.strictEqual(whole(error), whole(sent))
    }).pipe(Effect.scoped)
  )

  it.effect.prop("of a job arrive as they were sent", { reason: JobError.Reason }, ({ reason }) =>
    Effect.gen(function* () {
      const { run } = yield* client
      const error = yield* Effect.flip(run({ reason }))
      assert.instanceOf(error, JobError.JobError)
      const sent = new JobError.JobError({ operation: "poll", jobId: "j1", reason })
      assert.strictEqual(whole(error), whole(sent))
    }).pipe(Effect.scoped)
  )

  it.effect("keep what was thrown, by name, message and code, through the wraps", () =>
    Effect.gen(function* () {
      const { fetch } = yield* client
      const socket = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" })
      const cause = new TypeError("fetch failed", { cause: socket })
      const error = yield* Effect.flip(fetch({ reason: new ItemError.HostReturnedError({ status: 0, cause }) }))
      const arrived = error.reason.cause as Error & { readonly cause: object }
      assert.strictEqual(`${arrived.name}: ${arrived.message}`, "TypeError: fetch failed")
      assert.deepInclude(arrived.cause, { message: "read ECONNRESET", code: "ECONNRESET", syscall: "read" })
    }).pipe(Effect.scoped)
  )

  it.effect("keep a text that was thrown, and one that an error wraps", () =>
    Effect.gen(function* () {
      const { fetch } = yield* client
      const arrived = (cause: unknown) =>
        Effect.map(
          Effect.flip(fetch({ reason: new ItemError.HostReturnedError({ status: 0, cause }) })),
          ({ reason }) => reason.cause as Error
        )
      assert.strictEqual((yield* arrived("disk full")).message, "disk full")
      const wrapped = yield* arrived(new Error("saving failed", { cause: "disk full" }))
      assert.strictEqual(wrapped.message, "saving failed")
      assert.nestedPropertyVal(wrapped, "cause.message", "disk full")
    }).pipe(Effect.scoped)
  )
})
