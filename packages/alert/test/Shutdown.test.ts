import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import { join } from "node:path"
import process from "node:process"

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

const ended = (how: string, url: string, signal?: NodeJS.Signals) =>
  Effect.promise(async () => {
    const program = join(import.meta.dirname, "fixtures/program.ts")
    const child = spawn(process.execPath, [program, how, url], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.once("data", () => signal !== undefined && child.kill(signal))
    await once(child, "close")
  })

describe("the failures of a program that ends", () => {
  it.live.each([
    ["return", undefined, 100],
    ["wait", "SIGTERM", 100],
    // What waits for its group is in memory only.
    ["exit", undefined, 0],
    ["kill", undefined, 0]
  ] as const)("are told of as the table in docs/adapters.md says: %s, %s, %i", ([how, signal, count]) =>
    Effect.gen(function* () {
      const { failures, url } = yield* receiver
      yield* ended(how, url, signal)
      assert.strictEqual(failures(), count)
    })
  )
})
