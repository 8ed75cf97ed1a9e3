import type { LookupFunction } from "node:net"
import * as Classify from "@redrive/core/Classify"
import * as Effect from "effect/Effect"
import { Agent, fetch, type Agent as AgentType } from "undici"

/** What core makes of a request: its code and detail, or the status of a success. */
export const meaning = (url: string, options: AgentType.Options = {}, limit = 20_000): Effect.Effect<string> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Agent(options)),
    (dispatcher) =>
      Effect.tryPromise(async () => {
        const response = await fetch(url, { dispatcher, signal: AbortSignal.timeout(limit) })
        await response.arrayBuffer()
        return response
      }).pipe(
        Effect.map(({ headers, status }) => Classify.answered({ status, headers }, 0) ?? `${status}`),
        // Effect wraps what the promise rejected with: so does everybody.
        Effect.catch((error) => Effect.succeed(Classify.thrown(error))),
        Effect.map((reason) => (typeof reason === "string" ? reason : `${reason.code}/${reason.detail}`))
      ),
    (agent) => Effect.promise(() => agent.destroy())
  )

/** A lookup that asks this function, for an agent's connections. */
export const lookupWith =
  (resolve: (name: string) => Promise<ReadonlyArray<string>>): LookupFunction =>
  (name, _options, callback) =>
    void resolve(name).then(
      (addresses) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: 4 }))
        ),
      (error: NodeJS.ErrnoException) => callback(error, [])
    )
