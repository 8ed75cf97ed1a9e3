import { assert, describe, it } from "@effect/vitest"
import * as Wire from "@redrive/core/Wire"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ask, crawl, withService } from "./api.ts"
import { serve, site } from "./origin.ts"
import * as Service from "../src/service/Service.ts"

const encode = Schema.encodeSync(Wire.JobBody)
const decode = Schema.decodeUnknownSync(Wire.JobBody)

describe("the answer about a job", () => {
  it.live("is what the codec of the API writes, for items in every state", () =>
    Effect.gen(function* () {
      const url = yield* serve((request, response) => {
        const path = request.url ?? ""
        if (path === "/")
          return response.end(`<a href="/403"></a><a href="/429"></a><a href="/"></a><a href="/x?é=1"></a>`)
        if (path === "/429") return response.writeHead(429, { "retry-after": "86400" }).end()
        return path === "/403" ? response.writeHead(403).end() : response.end(`<title>"q" \\ \u2028</title><p>text`)
      })
      yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url: url, items_limit: 10, max_depth: 3 })
          assert.deepStrictEqual(job, JSON.parse(JSON.stringify(encode(decode(job)))))
          assert.sameMembers(
            job.job_items.map(({ error_code }: { error_code: string }) => error_code),
            ["", "website_access_denied", "host_returned_error", ""]
          )
        })
      )
    })
  )

  it.live("is not sent again as long as nothing has changed", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": "<p>text</p>" })
      yield* withService(
        Effect.gen(function* () {
          const { id } = yield* crawl({ url: url })
          const { url: api } = yield* Service.Service
          const get = (etag?: string) =>
            Effect.promise(() =>
              fetch(new URL(`/v1/job/${id}`, api), {
                headers: { authorization: "Bearer local", ...(etag !== undefined && { "if-none-match": etag }) }
              })
            )
          const first = yield* get()
          const etag = first.headers.get("etag") ?? ""
          const second = yield* get(etag)
          assert.deepStrictEqual(
            [first.status, second.status, yield* Effect.promise(() => second.text())],
            [200, 304, ""]
          )
          // A proxy that compresses makes it a weak one, and a client may have several.
          assert.strictEqual((yield* get(`"1-x", W/${etag}`)).status, 304)
          assert.strictEqual((yield* get('"1-x"')).status, 200)
        })
      )
    })
  )

  it.live("has some of the items, without their links, where that is asked for, and the counts of all", () =>
    Effect.gen(function* () {
      const links = Array.from({ length: 5 }, (_, n) => `<a href="/${n}">${n}</a>`).join("")
      const pages = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`/${n}`, `<a href="/">home</a>`]))
      const { url } = yield* site({ "/": links, ...pages })
      yield* withService(
        Effect.gen(function* () {
          const { id, job_items } = yield* crawl({ url })
          interface Item {
            readonly id: string
            readonly links: ReadonlyArray<string>
          }
          const ids = (items: ReadonlyArray<Item>) => items.map((item) => item.id)
          const counts = { items_total: 6, items_done: 5, items_failed: 1 }
          const all = (yield* ask(`/v1/job/${id}`)).body
          assert.deepInclude(all, counts)
          assert.lengthOf(all.job_items[0].links, 5)
          const seen: Array<string> = []
          for (let offset = 0; offset < all.items_total; offset += 4) {
            const { body } = yield* ask(`/v1/job/${id}?limit=4&offset=${offset}`)
            assert.deepInclude(body, counts)
            seen.push(...ids(body.job_items))
          }
          assert.deepStrictEqual(seen, ids(job_items))
          assert.deepStrictEqual((yield* ask(`/v1/job/${id}?offset=6`)).body.job_items, [])
          const { body } = yield* ask(`/v1/job/${id}?include_links=false`)
          assert.deepStrictEqual(ids(body.job_items), seen)
          for (const item of body.job_items) assert.deepStrictEqual(item.links, [])
          for (const [query, why] of [
            ["limit=0", "limit is invalid: it is a whole number from 1 to 100,000"],
            ["limit=1&limit=2", "limit is invalid: it is a whole number from 1 to 100,000"],
            ["offset=-1", "offset is invalid: it is a whole number from 0 to 100,000"],
            ["offset=x", "offset is invalid: it is a whole number from 0 to 100,000"],
            ["include_links=maybe", "include_links is invalid: it is true or false"]
          ]) {
            const { body, status } = yield* ask(`/v1/job/${id}?${query}`)
            assert.deepStrictEqual([status, body.error_message], [400, why])
          }
        })
      )
    })
  )

  it.live("links to texts that nobody guesses, and that are no pages of this service", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": "<p>secret <b>text</b></p>" })
      yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url: url })
          const link: string = job.job_items[0].markdown_content_url
          const { body, status, type } = yield* ask(link, { key: "" })
          assert.deepStrictEqual([status, type], [200, "text/markdown; charset=utf-8"])
          assert.include(body, "secret")
          const [, , , , id = "", expires = "", signature = "", item = ""] = link.split("/")
          const wrong = [
            `/content/${id}/${Number(expires) + 1}/${signature}/${item}`,
            `/content/${id}/1/${signature}/${item}`,
            `/content/${id}/${expires}/${signature.slice(1)}/${item}`,
            `/content/${id}/${expires}/${"A".repeat(32)}/${item}`,
            `/content/x/${expires}/${signature}/${item}`,
            `/content/${id}/${expires}/${signature}/x`
          ]
          for (const path of wrong) {
            const { body, status } = yield* ask(path, { key: "" })
            assert.strictEqual(status, 404, path)
            assert.strictEqual(body.error_message, "link is invalid: it is wrong, or has expired", path)
          }
        })
      )
    })
  )
})
