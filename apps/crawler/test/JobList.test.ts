import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Service from "../src/service/Service.ts"
import { type Answer, ask, crawl, create, withService } from "./api.ts"
import { folder } from "./files.ts"
import { serve, site } from "./origin.ts"

describe("the list of jobs", () => {
  it.live("has an account's own jobs, newest first and page by page, with their counts", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": `<a href="/a">a</a><a href="/none">none</a>`, "/a": "a" })
      yield* withService(
        Effect.gen(function* () {
          const ids: Array<string> = []
          for (let n = 0; n < 5; n++) ids.unshift((yield* crawl({ url })).id)
          const { accounts } = yield* Service.Service
          yield* accounts.open({ id: "other", apiKey: Redacted.make("other"), balance: 1_000_000 })
          assert.deepStrictEqual((yield* ask("/v1/jobs", { key: "other" })).body, { jobs: [], next: null })
          const seen: Array<string> = []
          for (let next: string | null = ""; next !== null;) {
            const { body }: Answer = yield* ask(`/v1/jobs?limit=2${next === "" ? "" : `&before=${next}`}`)
            seen.push(...body.jobs.map(({ id }: { id: string }) => id))
            next = body.next
          }
          assert.deepStrictEqual(seen, ids)
          const [first] = (yield* ask("/v1/jobs?limit=1")).body.jobs
          assert.deepInclude(first, { id: ids[0], url, status: "done", items_total: 3, items_done: 2, items_failed: 1 })
          for (const query of ["limit=0", "limit=101", "limit=x"]) {
            const { body, status } = yield* ask(`/v1/jobs?${query}`)
            assert.deepStrictEqual(
              [status, body.error_message],
              [400, "limit is invalid: it is a whole number from 1 to 100"]
            )
          }
        })
      )
    })
  )

  it.live("loses a job that is deleted, also one that runs; nobody deletes another's", () =>
    Effect.gen(function* () {
      const slow = yield* serve(() => undefined)
      yield* withService(
        Effect.gen(function* () {
          const { accounts } = yield* Service.Service
          yield* accounts.open({ id: "other", apiKey: Redacted.make("other"), balance: 1_000_000 })
          const { body } = yield* create({ url: slow })
          const path = `/v1/job/${body.id}`
          assert.strictEqual((yield* ask(path, { method: "DELETE", key: "other" })).status, 404)
          assert.deepStrictEqual((yield* ask(path, { method: "DELETE" })).body, { message: "Job deleted" })
          assert.strictEqual((yield* ask(path)).status, 404)
          assert.strictEqual((yield* ask(path, { method: "DELETE" })).status, 404)
          assert.deepStrictEqual((yield* ask("/v1/jobs")).body.jobs, [])
        })
      )
    })
  )

  it.live("loses jobs that ended long ago", () =>
    Effect.gen(function* () {
      const database = `${yield* folder}/crawl.db`
      const { url } = yield* site({ "/": "text" })
      yield* withService(crawl({ url }), { database })
      const count = Effect.map(ask("/v1/jobs"), ({ body }) => body.jobs.length)
      assert.strictEqual(yield* withService(count, { database, keep: "1 hour" }), 1)
      const left = withService(Effect.andThen(Effect.sleep("100 millis"), count), { database, keep: 0 })
      assert.strictEqual(yield* left, 0)
    })
  )
})
