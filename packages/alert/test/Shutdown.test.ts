import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Shutdown from "@redrive/testing/Shutdown"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import { join } from "node:path"
import { json } from "node:stream/consumers"

/** A receiver of deliveries, for as long as the scope: how many failures their alerts are about. */
const receiver = Effect.gen(function* () {
  let failures = 0
  const url = yield* Program.serve(
    createServer(async (request, response) => {
      const { data } = (await json(request)) as {
        readonly data: { readonly alerts: ReadonlyArray<{ readonly count: number }> }
      }
      for (const { count } of data.alerts) failures += count
      response.writeHead(204).end()
    })
  )
  return { url, failures: () => failures }
})

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
