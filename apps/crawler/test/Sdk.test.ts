import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { WebcrawlerApiError, WebcrawlerClient } from "webcrawlerapi-js"
import * as Service from "../src/service/Service.ts"
import { withService } from "./api.ts"
import { site } from "./origin.ts"

const pages = {
  "/": `<title>Home</title><h1>Home</h1><a href="/a">a</a><a href="/none">none</a>`,
  "/a": "<title>A</title><p>the page a</p>"
}

/** The provider's own client against this service. */
const client = Effect.map(Service.Service, ({ url }) => new WebcrawlerClient("local", url.replace(/\/$/, "")))

describe("webcrawlerapi-js", () => {
  it.live("crawls, and reads the content of each page without a header", () =>
    Effect.gen(function* () {
      const { url } = yield* site(pages)
      yield* withService(
        Effect.gen(function* () {
          const sdk = yield* client
          const job = yield* Effect.promise(() =>
            sdk.crawl({ url: url, items_limit: 10, main_content_only: false, webhook_url: "" })
          )
          assert.strictEqual(job.status, "done")
          assert.isAbove(job.recommended_pull_delay_ms, 0)
          const [home, page, none] = job.job_items
          assert.deepStrictEqual(
            [home?.status, home?.title, page?.title, none?.status, none?.page_status_code],
            ["done", "Home", "A", "error", 404]
          )
          assert.include(yield* Effect.promise(async () => page?.getContent()), "the page a")
          assert.isNull(yield* Effect.promise(async () => none?.getContent() ?? null))
          const markdown = yield* Effect.promise(() => sdk.getJobMarkdown(job.id))
          assert.match(markdown, /<!-- http.*\/ -->[^]*# Home[^]*<!-- http.*\/a -->[^]*the page a/)
        })
      )
    })
  )

  it.live("starts a crawl, asks for it, and gets all its Markdown", () =>
    Effect.gen(function* () {
      const { url } = yield* site(pages)
      yield* withService(
        Effect.gen(function* () {
          const sdk = yield* client
          const { id } = yield* Effect.promise(() => sdk.crawlAsync({ url: url, scrape_type: "markdown" }))
          const early = yield* Effect.promise(() => sdk.getJobMarkdown(id).catch((error: unknown) => error))
          if (early instanceof WebcrawlerApiError) assert.strictEqual(early.statusCode, 422)
          const job = yield* Effect.promise(() => sdk.getJob(id))
          assert.strictEqual(job.id, id)
          const markdown = yield* Effect.promise(() => sdk.crawlRawMarkdown({ url: `${url}a` }))
          assert.include(markdown, "the page a")
        })
      )
    })
  )

  it.live("scrapes one page, and says why another one failed", () =>
    Effect.gen(function* () {
      const { url } = yield* site(pages)
      yield* withService(
        Effect.gen(function* () {
          const sdk = yield* client
          const page = yield* Effect.promise(() => sdk.scrape({ url: `${url}a` }))
          assert.deepInclude(page, { success: true, status: "done", page_status_code: 200, page_title: "A" })
          const { id } = yield* Effect.promise(() => sdk.scrapeAsync({ url: `${url}none` }))
          const failed = yield* Effect.repeat(
            Effect.promise(() => sdk.getScrape(id)),
            { until: ({ status }) => status === "error" || status === "done", schedule: Schedule.spaced("20 millis") }
          )
          assert.deepStrictEqual(failed, {
            success: false,
            status: "error",
            page_status_code: 404,
            error_code: "host_returned_error",
            error_message: "Webpage returned error status code: 404"
          })
        })
      )
    })
  )

  it.live("is told by its name what this service does not do", () =>
    withService(
      Effect.gen(function* () {
        const sdk = yield* client
        const asked = [{ max_age: 60 }, { keep_query_params: false }, { crawler_id: "c1" }, { limit: 3 }]
        for (const some of asked) {
          const error = yield* Effect.promise(() =>
            sdk.crawlAsync({ url: "https://example.com/", ...some }).catch((failure: unknown) => failure)
          )
          assert.instanceOf(error, WebcrawlerApiError)
          const [field] = Object.keys(some)
          assert.deepStrictEqual(
            [error.errorCode, error.errorMessage],
            ["invalid_request", `${field} is invalid: this service does not do that`]
          )
        }
        const scraped = yield* Effect.promise(() =>
          sdk.scrapeAsync({ url: "https://example.com/", prompt: "summarise" }).catch((failure: unknown) => failure)
        )
        assert.include(String(scraped), "prompt is invalid")
      })
    )
  )
})
