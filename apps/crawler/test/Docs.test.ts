import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Service from "../src/service/Service.ts"
import { ask, withService } from "./api.ts"

describe("the API's documentation", () => {
  it.live("is a page that needs no key, has all that it needs, and lets the browser ask no other host", () =>
    withService(
      Effect.gen(function* () {
        const { url } = yield* Service.Service
        const response = yield* Effect.promise(() => fetch(new URL("/docs", url)))
        assert.deepStrictEqual([response.status, response.headers.get("content-type")], [200, "text/html"])
        const policy = response.headers.get("content-security-policy") ?? ""
        assert.match(policy, /^default-src 'none'; /)
        assert.notMatch(policy, /https?:|\*/)
        const page = yield* Effect.promise(() => response.text())
        assert.include(page, "<title>Crawl API</title>")
        assert.notMatch(page, /<(script|link|img|iframe)\b[^>]*\b(src|href)=/i)
        for (const path of Object.keys((yield* ask("/openapi.json", { key: "" })).body.paths))
          assert.include(page, JSON.stringify(path))
      })
    )
  )

  it.live("is OpenAPI with every call", () =>
    withService(
      Effect.gen(function* () {
        const { body } = yield* ask("/openapi.json", { key: "" })
        const calls = Object.entries(body.paths).flatMap(([path, methods]) =>
          Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`)
        )
        assert.sameMembers(calls, [
          "POST /v1/crawl",
          "GET /v1/job/{id}",
          "DELETE /v1/job/{id}",
          "PUT /v1/job/{id}/cancel",
          "POST /v1/job/{id}/webhook",
          "GET /v1/job/{id}/markdown",
          "GET /v1/job/{id}/item/{itemId}/markdown",
          "GET /v1/jobs",
          "POST /v2/scrape",
          "GET /v2/scrape/{id}"
        ])
        assert.include(Object.keys(body.paths["/v1/jobs"].get.responses), "429")
      })
    )
  )
})
