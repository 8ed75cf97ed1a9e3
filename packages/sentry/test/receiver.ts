import { createStackParser, createTransport, parseEnvelope, setCurrentClient } from "@sentry/core"
import { nodeStackLineParser, ServerRuntimeClient, type ServerRuntimeClientOptions } from "@sentry/core/server"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"

/** An event as Sentry receives it. */
export interface Received {
  readonly [name: string]: unknown
}

/** How the receiver answers: at once, with an error, or never. */
export type Mood = "well" | "failing" | "hanging"

/** A receiver of envelopes, and a client that sends to it. */
export const receiver = Effect.acquireRelease(
  Effect.callback<{
    readonly events: ReadonlyArray<Received>
    readonly client: ServerRuntimeClient
    readonly be: (mood: Mood) => void
  }>((resume) => {
    const events: Array<Received> = []
    let mood: Mood = "well"
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        if (mood === "hanging") return
        if (mood === "well") {
          const [, items] = parseEnvelope(Buffer.concat(chunks))
          for (const [header, payload] of items) if (header.type === "event") events.push(payload as Received)
        }
        response.statusCode = mood === "well" ? 200 : 500
        response.end("{}")
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" ? address?.port : 0
      const client = clientOf(`http://public@127.0.0.1:${port}/1`)
      const close = () => {
        server.close()
        server.closeAllConnections()
      }
      resume(Effect.succeed({ events, client, be: (next: Mood) => (mood = next), close }))
    })
  }),
  (receiver) => Effect.sync(() => (receiver as unknown as { readonly close: () => void }).close())
)

const clientOf = (dsn: string): ServerRuntimeClient => {
  const options: ServerRuntimeClientOptions = {
    dsn,
    integrations: [],
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (options) =>
      createTransport(options, async ({ body }) => {
        const { headers, status } = await fetch(options.url, { method: "POST", body: body as string })
        return {
          statusCode: status,
          headers: {
            "x-sentry-rate-limits": headers.get("x-sentry-rate-limits"),
            "retry-after": headers.get("retry-after")
          }
        }
      })
  }
  const client = new ServerRuntimeClient(options)
  client.init()
  return client
}

/** Makes a client the one of the program, as `Sentry.init` does. */
export const install = (client: ServerRuntimeClient) => Effect.sync(() => setCurrentClient(client))
