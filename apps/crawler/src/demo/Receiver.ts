/**
 * A webhook receiver on 127.0.0.1 that keeps what it is sent.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as AlertWire from "@redrive/alert/AlertWire"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"

export class Receiver extends Context.Service<
  Receiver,
  { readonly url: string; readonly received: Effect.Effect<ReadonlyArray<AlertWire.Body>> }
>()("@redrive/crawler/demo/Receiver") {}

export const layer = Layer.effect(
  Receiver,
  Effect.gen(function* () {
    const bodies = yield* Ref.make<ReadonlyArray<AlertWire.Body>>([])
    const keep = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      // Nobody but our own sink knows the address.
      const body = (yield* request.json) as unknown as AlertWire.Body
      yield* Ref.update(bodies, (earlier) => [...earlier, body])
      return HttpServerResponse.empty({ status: 204 })
    })
    const { address } = yield* HttpServer.HttpServer
    yield* HttpServer.serveEffect(keep)
    return Receiver.of({ url: HttpServer.formatAddress(address), received: Ref.get(bodies) })
  })
).pipe(Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })))
