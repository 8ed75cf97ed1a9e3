import {
  createStackParser,
  createTransport,
  parseEnvelope,
  Scope,
  setAsyncContextStrategy,
  setCurrentClient
} from "@sentry/core"
import { nodeStackLineParser, ServerRuntimeClient, type ServerRuntimeClientOptions } from "@sentry/core/server"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import { AsyncLocalStorage } from "node:async_hooks"
import { createServer } from "node:http"
import { buffer } from "node:stream/consumers"

/** An event as Sentry receives it. */
export interface Received {
  readonly [name: string]: unknown
}

/** How the receiver answers: at once, with an error, that it is too much, or never. */
export type Mood = "well" | "failing" | "busy" | "hanging"

const statuses = { well: 200, failing: 500, busy: 429 }

/** A receiver of envelopes, and a client that sends to it, for as long as the scope. */
export const receiver = Effect.gen(function* () {
  const events: Array<Received> = []
  let mood: Mood = "well"
  const url = yield* Program.serve(
    createServer(async (request, response) => {
      const body = await buffer(request)
      if (mood === "hanging") return
      if (mood === "well") {
        const [, items] = parseEnvelope(body)
        for (const [header, payload] of items) if (header.type === "event") events.push(payload as Received)
      }
      response.statusCode = statuses[mood]
      response.end("{}")
    })
  )
  const dsn = `${url.replace("//", "//public@")}1`
  return { events, client: clientOf(dsn), dsn, be: (next: Mood) => (mood = next) }
})

/** What a transport does with a request. */
export const post =
  (url: string) =>
  async ({ body }: { readonly body: string | Uint8Array }) => {
    const { headers, status } = await fetch(url, { method: "POST", body: body as string })
    return {
      statusCode: status,
      headers: {
        "x-sentry-rate-limits": headers.get("x-sentry-rate-limits"),
        "retry-after": headers.get("retry-after")
      }
    }
  }

/** A client, with options of its own. */
export const clientOf = (dsn: string, own: Partial<ServerRuntimeClientOptions> = {}): ServerRuntimeClient => {
  const options: ServerRuntimeClientOptions = {
    ...own,
    dsn,
    integrations: [],
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (options) => createTransport(options, post(options.url))
  }
  const client = new ServerRuntimeClient(options)
  client.init()
  return client
}

/** Makes a client the one of the program, as `Sentry.init` does. */
export const install = (client: ServerRuntimeClient) => Effect.sync(() => setCurrentClient(client))

/** Scopes that follow asynchronous calls, as the SDKs for Node.js have them, for as long as the scope. */
export const asyncScopes = Effect.acquireRelease(
  Effect.sync(() => {
    interface Both {
      readonly scope: Scope
      readonly isolation: Scope
    }
    const storage = new AsyncLocalStorage<Both>()
    const root: Both = { scope: new Scope(), isolation: new Scope() }
    const now = () => storage.getStore() ?? root
    const run = <A>(both: Both, use: (scope: Scope) => A, scope: Scope) => storage.run(both, () => use(scope))
    setAsyncContextStrategy({
      suppressTracing: (use) => use(),
      withScope: (use) => {
        const scope = now().scope.clone()
        return run({ ...now(), scope }, use, scope)
      },
      withSetScope: (scope, use) => run({ ...now(), scope: scope }, use, scope),
      withIsolationScope: (use) => {
        const both = { scope: now().scope.clone(), isolation: now().isolation.clone() }
        return run(both, use, both.isolation)
      },
      withSetIsolationScope: (isolation, use) =>
        run({ scope: now().scope.clone(), isolation: isolation }, use, isolation),
      getCurrentScope: () => now().scope,
      getIsolationScope: () => now().isolation
    })
  }),
  () => Effect.sync(() => setAsyncContextStrategy(undefined))
)
