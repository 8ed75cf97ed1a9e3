import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Distributed from "@redrive/retry/Distributed"
import * as HttpRetry from "@redrive/retry/HttpRetry"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import { isRetryExhausted } from "@redrive/retry/RetryExhausted"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Program from "@redrive/testing/Program"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"

const wait = { base: Duration.millis(1), cap: Duration.millis(1) }
const paces = { quick: wait, steady: wait, slow: wait }
const policyOf = (options: Parameters<typeof RetryPolicy.make>[0] = {}) =>
  RetryPolicy.make({ retries: 2, ...paces, ...options })

/** An effect with any error. */
type Client = HttpClient.HttpClient
type Call = Effect.Effect<HttpClientResponse.HttpClientResponse, unknown>

/** Parts that change a client. */
const clients = {
  HttpRetry: (client: Client): Client => client.pipe(HttpRetry.httpClient(policyOf())) as unknown as Client,
  filterStatusOk: (client: Client): Client => HttpClient.filterStatusOk(client),
  mapRequestEffect: (client: Client): Client =>
    HttpClient.mapRequestEffect(client, (request) =>
      Effect.sync(() => HttpClientRequest.setHeader(request, "x-nonce", String(nonce++)))
    )
}
let nonce = 0

/** Parts that change a call. */
const calls = {
  Retry: (call: Call): Call => Retry.retry(call, policyOf()),
  Distributed: (call: Call): Call =>
    Effect.scoped(
      Effect.flatMap(Distributed.make(policyOf({ breaker: {} }), "api"), (runner) => runner.run(call))
    ).pipe(Effect.provide(Distributed.layerMemory)),
  Redrive: (call: Call): Call => {
    const failed = [{ item: "page", error: { verdict: Verdict.transient("quick") } as unknown }]
    return Effect.flatMap(Redrive.run(failed, { policy: policyOf(), each: () => call }), ({ failed, saved }) =>
      saved[0] === undefined ? Effect.fail(failed[0]?.error) : Effect.succeed(saved[0].value)
    )
  },
  hedge: (call: Call): Call => Retry.retry(call, policyOf({ hedge: { after: Duration.seconds(1), share: 1 } })),
  timeout: (call: Call): Call => Effect.timeout(call, "5 seconds")
}

/** The requests that a server saw which answers 503 twice and then 200, and the caller's result. */
const outcome = Effect.fnUntraced(function* (
  on: ReadonlyArray<keyof typeof clients>,
  around: ReadonlyArray<keyof typeof calls>,
  fails = 2
) {
  const nonces: Array<string | undefined> = []
  const http = createServer((request, response) => {
    const asked = nonces.push(request.headers["x-nonce"]?.toString())
    response.writeHead(asked <= fails ? 503 : 200).end("x")
  })
  const url = yield* Program.serve(http)
  const base = yield* HttpClient.HttpClient
  const client = on.reduce<Client>((inner, name) => clients[name](inner), base)
  const call = around.reduce<Call>((inner, name) => calls[name](inner), client.get(url))
  const exit = yield* Effect.exit(call)
  const isFresh = new Set(nonces).size === nonces.length || nonces[0] === undefined
  return `${nonces.length} asked, ${told(exit)}${isFresh ? "" : ", one nonce for all"}`
})

const told = (exit: Exit.Exit<HttpClientResponse.HttpClientResponse, unknown>): string => {
  if (Exit.isSuccess(exit)) return String(exit.value.status)
  const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return isRetryExhausted(failure)
    ? `gave up: ${failure.because}`
    : String(Predicate.hasProperty(failure, "_tag") && failure._tag)
}

/** For each pair: the result with a server that fails twice, and with one that always fails. */
const pairs: { readonly [pair: string]: readonly [string, string] } = {
  "HttpRetry around HttpRetry": ["3 asked, 200", "3 asked, gave up: retries"],
  "filterStatusOk around HttpRetry": ["3 asked, 200", "3 asked, HttpClientError"],
  "mapRequestEffect around HttpRetry": ["3 asked, 200", "3 asked, 503"],
  "HttpRetry around filterStatusOk": ["3 asked, 200", "3 asked, gave up: retries"],
  "filterStatusOk around filterStatusOk": ["1 asked, HttpClientError", "1 asked, HttpClientError"],
  "mapRequestEffect around filterStatusOk": ["1 asked, HttpClientError", "1 asked, HttpClientError"],
  "HttpRetry around mapRequestEffect": ["3 asked, 200", "3 asked, 503"],
  "filterStatusOk around mapRequestEffect": ["1 asked, HttpClientError", "1 asked, HttpClientError"],
  "mapRequestEffect around mapRequestEffect": ["1 asked, 503", "1 asked, 503"],
  "Retry around HttpRetry": ["3 asked, 200", "3 asked, gave up: retries"],
  "Distributed around HttpRetry": ["3 asked, 200", "3 asked, gave up: retries"],
  "Redrive around HttpRetry": ["3 asked, 200", "6 asked, gave up: retries"],
  "hedge around HttpRetry": ["3 asked, 200", "3 asked, gave up: retries"],
  "timeout around HttpRetry": ["3 asked, 200", "3 asked, 503"],
  "Retry around filterStatusOk": ["3 asked, 200", "3 asked, gave up: retries"],
  "Distributed around filterStatusOk": ["3 asked, 200", "3 asked, gave up: retries"],
  "Redrive around filterStatusOk": ["2 asked, HttpClientError", "2 asked, HttpClientError"],
  "hedge around filterStatusOk": ["3 asked, 200", "3 asked, gave up: retries"],
  "timeout around filterStatusOk": ["1 asked, HttpClientError", "1 asked, HttpClientError"],
  "Retry around mapRequestEffect": ["1 asked, 503", "1 asked, 503"],
  "Distributed around mapRequestEffect": ["1 asked, 503", "1 asked, 503"],
  "Redrive around mapRequestEffect": ["1 asked, 503", "1 asked, 503"],
  "hedge around mapRequestEffect": ["1 asked, 503", "1 asked, 503"],
  "timeout around mapRequestEffect": ["1 asked, 503", "1 asked, 503"],
  "Retry around Retry": ["3 asked, 200", "3 asked, gave up: retries"],
  "Distributed around Retry": ["3 asked, 200", "3 asked, gave up: retries"],
  "Redrive around Retry": ["3 asked, 200", "6 asked, gave up: retries"],
  "hedge around Retry": ["3 asked, 200", "3 asked, gave up: retries"],
  "timeout around Retry": ["3 asked, 200", "3 asked, gave up: retries"],
  "Retry around Distributed": ["3 asked, 200", "3 asked, gave up: retries"],
  "Distributed around Distributed": ["3 asked, 200", "3 asked, gave up: retries"],
  "Redrive around Distributed": ["3 asked, 200", "6 asked, gave up: retries"],
  "hedge around Distributed": ["3 asked, 200", "3 asked, gave up: retries"],
  "timeout around Distributed": ["3 asked, 200", "3 asked, gave up: retries"],
  "Retry around Redrive": ["3 asked, 200", "6 asked, gave up: retries"],
  "Distributed around Redrive": ["3 asked, 200", "6 asked, gave up: retries"],
  "Redrive around Redrive": ["3 asked, 200", "4 asked, HttpClientError"],
  "hedge around Redrive": ["3 asked, 200", "6 asked, gave up: retries"],
  "timeout around Redrive": ["2 asked, HttpClientError", "2 asked, HttpClientError"],
  "Retry around hedge": ["3 asked, 200", "3 asked, gave up: retries"],
  "Distributed around hedge": ["3 asked, 200", "3 asked, gave up: retries"],
  "Redrive around hedge": ["3 asked, 200", "6 asked, gave up: retries"],
  "hedge around hedge": ["3 asked, 200", "3 asked, gave up: retries"],
  "timeout around hedge": ["3 asked, 200", "3 asked, gave up: retries"],
  "Retry around timeout": ["3 asked, 200", "3 asked, gave up: retries"],
  "Distributed around timeout": ["3 asked, 200", "3 asked, gave up: retries"],
  "Redrive around timeout": ["2 asked, HttpClientError", "2 asked, HttpClientError"],
  "hedge around timeout": ["3 asked, 200", "3 asked, gave up: retries"],
  "timeout around timeout": ["1 asked, HttpClientError", "1 asked, HttpClientError"]
}

const isClient = (name: string): name is keyof typeof clients => Object.hasOwn(clients, name)

/** Calls use a client that turns answers into failures, unless the pair is about that. */
const partsOf = (pair: string) => {
  const [outer = "", inner = ""] = pair.split(" around ")
  const on = [inner, outer].filter(isClient)
  const around = [inner, outer].filter((name) => !isClient(name)) as ReadonlyArray<keyof typeof calls>
  return { on: on.length === 0 ? ["filterStatusOk" as const] : on, around }
}

describe("each part around every other, and around itself", () => {
  const run = { on: FetchHttpClient.layer, quiet: Effect.provideService(References.MinimumLogLevel, "None") }

  for (const [pair, expected] of Object.entries(pairs)) {
    it.live(pair, () =>
      Effect.gen(function* () {
        const { around, on } = partsOf(pair)
        assert.deepStrictEqual([yield* outcome(on, around), yield* outcome(on, around, Infinity)], expected)
      }).pipe(Effect.provide(run.on), run.quiet)
    )
  }

  it.live("two policies around a client that retries make the attempts of one, and return the answer", () =>
    Effect.gen(function* () {
      const names = Object.keys(calls) as ReadonlyArray<keyof typeof calls>
      for (const inner of names) {
        for (const outer of names) {
          assert.strictEqual(yield* outcome(["HttpRetry"], [inner, outer]), "3 asked, 200", `${outer} around ${inner}`)
        }
      }
    }).pipe(Effect.provide(run.on), run.quiet)
  )
})
