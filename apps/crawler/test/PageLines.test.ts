import { assert, describe, it } from "@effect/vitest"
import * as Log from "@redrive/log/Log"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { crawl, layer } from "./api.ts"
import { serve } from "./origin.ts"

interface Line {
  readonly message: string
  readonly fingerprint?: string
  readonly [name: string]: unknown
}

describe("the log lines of a page that fails", () => {
  it.live("name the page and its item, and are of one class, from the first attempt to the report", () => {
    const lines: Array<Line> = []
    const stream = { write: (line: string) => void lines.push(JSON.parse(line) as Line) }
    return Effect.gen(function* () {
      const url = yield* serve((_, response) => void response.writeHead(503).end())
      const [item] = (yield* crawl({ url: `${url}page?token=s3cret` })).job_items
      const told = lines.filter(({ fingerprint }) => fingerprint !== undefined)
      assert.deepStrictEqual(
        told.map(({ message }) => /^[a-z_]+( \d| up)?/.exec(message)?.[0]),
        ["attempt 1", "attempt 1", "attempt 2", "attempt 2", "attempt 3", "gave up", "host_returned_error"]
      )
      assert.lengthOf([...new Set(told.map(({ fingerprint }) => fingerprint))], 1)
      for (const line of told) {
        const text = JSON.stringify(line)
        assert.include(line.message, ` at ${url}page`)
        assert.include(text, `"item":"${item.id}"`)
        assert.include(text, `"job":"${item.job_id}"`)
        assert.notInclude(text, "s3cret")
      }
    }).pipe(
      Effect.provide(layer().pipe(Layer.provideMerge(Log.layer({ stream })))),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.scoped
    )
  })
})
