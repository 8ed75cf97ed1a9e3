import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Service from "../src/service/Service.ts"

const soon = { base: Duration.millis(1), cap: Duration.millis(1) }

/** A policy for tests: two retries at once. */
const impatient = RetryPolicy.make({
  retries: 2,
  quick: soon,
  steady: soon,
  slow: soon
})

/** A running service that crawls loopback addresses, retries at once, and waits for an answer as long as a busy machine takes. */
export const layer = (options: Service.Options = {}) =>
  Service.layer({ allowPrivate: true, policy: impatient, timeout: "10 seconds", ...options })

/** Runs a test against a service of its own, which ends with it. */
export const withService = <A, E>(
  test: Effect.Effect<A, E, Service.Service | Scope.Scope>,
  options?: Service.Options
) => Effect.scoped(Effect.provide(test, layer(options)))

/** An answer of the API as it is on the wire. */
export interface Answer {
  readonly status: number
  readonly type: string | null
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into foreign JSON
  readonly body: any
}

/** Asks the API in raw HTTP, as any client would. */
export const ask = Effect.fnUntraced(function* (path: string, init: RequestInit & { readonly key?: string } = {}) {
  const { url } = yield* Service.Service
  const { key = "local", ...rest } = init
  const headers = { ...(key === "" ? {} : { authorization: `Bearer ${key}` }), "content-type": "application/json" }
  return yield* Effect.promise(async (signal): Promise<Answer> => {
    const response = await fetch(new URL(path, url), { signal, headers, ...rest })
    const text = await response.text()
    const type = response.headers.get("content-type")
    return {
      status: response.status,
      type,
      body: type?.startsWith("application/json") === true ? JSON.parse(text) : text
    }
  })
})

/** Asks for a crawl. */
export const create = (request: object, key?: string) =>
  ask("/v1/crawl", { method: "POST", body: JSON.stringify(request), ...(key === undefined ? {} : { key }) })

/** Asks for a job until it has ended. */
export const ended = Effect.fnUntraced(function* (id: string, key?: string) {
  while (true) {
    const { body } = yield* ask(`/v1/job/${id}`, key === undefined ? {} : { key })
    if (["done", "error", "cancelled"].includes(body.status)) return body
    yield* Effect.sleep("10 millis")
  }
})

/** Asks for a crawl and, until it has ended, for the job. */
export const crawl = Effect.fnUntraced(function* (request: object, key?: string) {
  const created = yield* create(request, key)
  return yield* ended(created.body.id, key)
})
