import { assert, describe, it } from "@effect/vitest"
import * as Shutdown from "@redrive/testing/Shutdown"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import { join } from "node:path"

/** A receiver of deliveries, for as long as the scope: how many failures their alerts are about. */
const receiver = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly failures: () => number; readonly close: () => void }>((resume) => {
    let failures = 0
    const server = createServer(async (request, response) => {
      let text = ""
      for await (const chunk of request) text += String(chunk)
      const { data } = JSON.parse(text) as {
        readonly data: { readonly alerts: ReadonlyArray<{ readonly count: number }> }
      }
      for (const { count } of data.alerts) failures += count
      response.writeHead(204).end()
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" ? address?.port : 0
      const close = () => {
        server.close()
        server.closeAllConnections()
      }
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}/`, failures: () => failures, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const program = join(import.meta.dirname, "fixtures/program.ts")

describe("the failures of a program that ends", () => {
  it.live.each([
    ["return", 100],
    ["SIGTERM", 100],
    // What waits for its group is in memory only.
    ["exit", 0],
    ["SIGKILL", 0]
  ] as const)("are told of as the table in docs/adapters.md says: %s, %i", ([ending, count]) =>
    Effect.gen(function* () {
      const { failures, url } = yield* receiver
      yield* Shutdown.run(program, ending, { args: [url] })
      assert.strictEqual(failures(), count)
    })
  )
})
