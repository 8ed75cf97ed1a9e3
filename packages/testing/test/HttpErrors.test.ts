import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Catalogue from "@redrive/core/Catalogue"
import * as Failure from "@redrive/core/Failure"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Wire from "@redrive/core/Wire"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

const merits = { verdict: Verdict.permanent, severity: "Warn", actor: "caller" } as const

// A shop's catalogue, without items.
const catalogue = Catalogue.make({
  job: {
    refused: {
      ...merits,
      meaning: "",
      status: 422,
      message: "not taken: {why}",
      details: {
        sold_out: { ...merits, status: 409 },
        unpaid: { ...merits, status: 402, message: "pay first" },
        odd: merits
      }
    },
    lost: {
      ...merits,
      verdict: Verdict.transient("slow"),
      meaning: "",
      status: 410,
      message: "lost {parcel}",
      details: { at_sea: { ...merits, status: 418 } }
    },
    busy: { ...merits, verdict: Verdict.transient("quick"), meaning: "", status: 503, message: "busy", details: {} }
  }
})

class Refused extends Failure.Reason<Refused>("shop/Refused")(
  "Refused",
  { catalogue, level: "job", code: "refused" },
  { why: Schema.optionalKey(Schema.String) }
) {}

class Busy extends Failure.Reason<Busy>("shop/Busy")("Busy", { catalogue, level: "job", code: "busy" }) {}

/** Without its own fields it cannot be made. */
class Lost extends Failure.Reason<Lost>("shop/Lost")(
  "Lost",
  { catalogue, level: "job", code: "lost" },
  { parcel: Schema.String, after: Schema.Duration }
) {}

class OrderError extends Failure.Job<OrderError>("shop/OrderError")("OrderError", catalogue, [Refused, Lost, Busy]) {}

/** Every row of the catalogue, with its answer. */
const rows: ReadonlyArray<readonly [name: string, reason: typeof OrderError.fields.reason.Type, status: number]> = [
  ["refused", new Refused({ why: "too far" }), 422],
  ["sold_out", new Refused({ detail: "sold_out", lastError: "none is left" }), 409],
  ["unpaid", new Refused({ detail: "unpaid" }), 402],
  ["odd", new Refused({ detail: "odd", why: "odd" }), 422],
  ["lost", new Lost({ parcel: "p1", after: Duration.days(3) }), 410],
  ["at_sea", new Lost({ parcel: "p1", after: Duration.days(3), detail: "at_sea" }), 418],
  ["busy", new Busy({}), 503],
  ["teapot", new Failure.Unrecognized({ code: "teapot" }), 500]
]

class Orders extends HttpApiGroup.make("orders").add(
  HttpApiEndpoint.get("place", "/orders/:name", {
    params: { name: Schema.String },
    success: Schema.String,
    error: Wire.httpErrorsOf(OrderError)
  })
) {}

class Shop extends HttpApi.make("shop").add(Orders) {}

const handlers = HttpApiBuilder.group(Shop, "orders", (orders) =>
  orders.handle("place", ({ params }) => {
    const reason = rows.find(([name]) => name === params.name)?.[1]
    if (reason === undefined) return Effect.succeed("placed")
    return Effect.mapError(Effect.fail(new OrderError({ operation: "order", reason })), (error) => error.reason)
  })
)

const served = <E, R>(routes: Layer.Layer<never, E, R>) =>
  HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(HttpServer.layerTestClient),
    Layer.provide(FetchHttpClient.layer),
    Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }))
  )

const layer = served(Layer.provide(HttpApiBuilder.layer(Shop), handlers))

describe("the reasons of a catalogue in an HttpApi", () => {
  for (const [name, reason, status] of rows) {
    it.live(`are answered with the status of their row: ${name}`, () =>
      Effect.gen(function* () {
        const answer = yield* HttpClient.get(`/orders/${name}`)
        assert.strictEqual(answer.status, status)
        assert.strictEqual(Failure.statusOf(reason), status)
        assert.strictEqual(Failure.statusOf(new OrderError({ operation: "order", reason })), status)
        assert.deepStrictEqual(
          yield* answer.json,
          JSON.parse(JSON.stringify(Schema.encodeSync(Wire.codecOf(OrderError))(reason)))
        )
      }).pipe(Effect.provide(layer))
    )

    it.live(`reach the client unchanged: ${name}`, () =>
      Effect.gen(function* () {
        const { orders } = yield* HttpApiClient.make(Shop)
        const arrived = yield* Effect.flip(orders.place({ params: { name } }))
        if (!("code" in arrived)) return assert.fail(String(arrived))
        assert.deepStrictEqual(
          [arrived._tag, arrived.code, arrived.detail, arrived.verdict],
          [reason._tag, reason.code, reason.detail, reason.verdict]
        )
        assert.strictEqual(Failure.statusOf(arrived), status)
        if (reason._tag === "Lost") assert.deepInclude(arrived, { parcel: "p1", after: Duration.days(3) })
      }).pipe(Effect.provide(layer))
    )
  }

  it.live("are not read from an answer without a code, such as a proxy's", () =>
    Effect.gen(function* () {
      const { orders } = yield* HttpApiClient.make(Shop)
      const arrived = yield* Effect.flip(orders.place({ params: { name: "busy" } }))
      // The client's own error keeps the status, by which it is retried.
      assert.strictEqual(arrived._tag === "HttpClientError" ? arrived.reason._tag : arrived._tag, "StatusCodeError")
      assert.isTrue(Verdict.isRetryable(Judge.verdictOf(arrived)))
    }).pipe(
      Effect.provide(
        served(HttpRouter.add("GET", "/orders/:name", HttpServerResponse.jsonUnsafe({ message: "x" }, { status: 503 })))
      )
    )
  )

  it.live("do not change a success", () =>
    Effect.gen(function* () {
      const { orders } = yield* HttpApiClient.make(Shop)
      assert.strictEqual(yield* orders.place({ params: { name: "else" } }), "placed")
    }).pipe(Effect.provide(layer))
  )

  it("are in the API's documentation, by status", () => {
    const { paths } = OpenApi.fromApi(Shop)
    assert.includeMembers(Object.keys(paths["/orders/{name}"]?.get?.responses ?? {}), [
      "402",
      "409",
      "410",
      "418",
      "422",
      "500",
      "503"
    ])
  })
})
