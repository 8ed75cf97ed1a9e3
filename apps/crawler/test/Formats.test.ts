import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { WebcrawlerClient } from "webcrawlerapi-js"
import * as Service from "../src/service/Service.ts"
import { ask, crawl, withService } from "./api.ts"
import { serve, site } from "./origin.ts"

const home = `<!DOCTYPE html>
<html><head><title>Home &amp; more</title><style>p { color: red }</style><link rel="stylesheet" href="x.css">
<script>alert("<p>no</p>")</script></head>
<body class="dark" onload="run()"><!-- a comment --><header>banner</header><nav><a href="/a">to a</a></nav>
<main><h1 style="color: red">Home</h1><p>1 &lt; 2 &amp; <a href="b" onclick="run()">b</a></p><img src="data:image/png;base64,AA" alt="none"></main>
<form action=" java&#10;script:run()"><button formaction="javascript:run()" title="JavaScript: a title">send</button></form>
<iframe srcdoc="<script>run()</script>"></iframe><svg><a xlink:href="javascript:run()">svg</a><script>run()</script></svg>
<div role="navigation">crumbs</div><footer>imprint</footer></body></html>`

const pages = { "/": home, "/a": "<title>A</title><p>the page a</p>", "/b": "<title>B</title><p>the page b</p>" }

interface Item {
  readonly title: string
  readonly links: ReadonlyArray<string>
  readonly raw_content_url: string
  readonly cleaned_content_url: string
  readonly markdown_content_url: string
}

const text = (url: string) => Effect.map(ask(url, { key: "" }), ({ body }) => body as string)

describe("a crawl with formats", () => {
  it.live("keeps those that are asked for, and no others", () =>
    Effect.gen(function* () {
      const { url } = yield* site(pages)
      yield* withService(
        Effect.gen(function* () {
          const asked: ReadonlyArray<readonly [request: object, urls: ReadonlyArray<boolean>]> = [
            [{}, [false, false, true]],
            [{ scrape_type: "html" }, [true, false, false]],
            [{ scrape_type: "cleaned" }, [false, true, false]],
            [{ scrape_type: "cleaned", output_formats: ["html", "markdown"] }, [true, true, true]]
          ]
          for (const [request, urls] of asked) {
            const job = yield* crawl({ url, items_limit: 1, ...request })
            const item: Item = job.job_items[0]
            const { cleaned_content_url, links, markdown_content_url, raw_content_url, title } = item
            assert.deepStrictEqual(
              [raw_content_url, cleaned_content_url, markdown_content_url].map((one) => one !== ""),
              urls
            )
            assert.deepStrictEqual([title, links], ["Home & more", [`${url}a`, `${url}b`]])
          }
        })
      )
    })
  )

  it.live("has HTML as it was received, and cleaned HTML without what is not content", () =>
    Effect.gen(function* () {
      const { url } = yield* site(pages)
      yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url, items_limit: 1, scrape_type: "html", output_formats: ["cleaned"] })
          const item: Item = job.job_items[0]
          const { body, type } = yield* ask(item.raw_content_url, { key: "" })
          // No browser shall take it for a page of the service.
          assert.deepStrictEqual([type, body], ["text/plain; charset=utf-8", home])
          const cleaned = yield* text(item.cleaned_content_url)
          for (const part of [
            "<title>Home &#x26; more</title>",
            "<h1>Home</h1>",
            "1 &#x3C; 2",
            `<a href="${url}b">b</a>`,
            "banner",
            "imprint",
            `<form><button title="JavaScript: a title">send</button></form>`
          ])
            assert.include(cleaned, part)
          assert.notMatch(cleaned, /script|style|comment|crumbs|to a|dark|run\(|data:|x\.css/)
          for (const path of [`/v1/job/${job.id}/markdown`, `/v1/job/${job.id}/item/${job.job_items[0].id}/markdown`]) {
            const { body, status } = yield* ask(path)
            assert.deepStrictEqual(
              [status, body.error_message],
              [400, "id is invalid: the job was not asked for markdown"]
            )
          }
        })
      )
    })
  )

  it.live("has text files as they are in every format", () =>
    Effect.gen(function* () {
      const url = yield* serve((_, response) =>
        response
          .writeHead(200, { "content-type": "text/plain; charset=iso-8859-1" })
          .end(Buffer.from("a < \xe9", "latin1"))
      )
      yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url, output_formats: ["html", "cleaned"] })
          const item: Item = job.job_items[0]
          for (const link of [item.raw_content_url, item.cleaned_content_url, item.markdown_content_url])
            assert.strictEqual(yield* text(link), "a < é")
        })
      )
    })
  )

  const parts: ReadonlyArray<readonly [what: string, html: string, kept: string]> = [
    ["its main", `<nav>n</nav><main><p>the main</p></main><article>a</article>`, "the main"],
    ["the element of that role", `<header>h</header><div role="main"><p>the main</p></div><p>x</p>`, "the main"],
    ["the main that is shown", `<main hidden>no</main><main><p>yes</p></main>`, "yes"],
    ["its only article", `<aside>s</aside><article><p>the article</p></article><footer>f</footer>`, "the article"],
    [
      "all but what stands around it",
      `<nav>n</nav><header>h</header><p>one</p><aside>s</aside><p>two</p><footer>f</footer>`,
      "one\n\ntwo"
    ],
    ["the text of several articles", `<nav>n</nav><article>one</article><article>two</article>`, "one\n\ntwo"]
  ]
  it.live("has the main part of each page where that is asked for, and follows the links of all of it", () =>
    Effect.gen(function* () {
      const { url } = yield* site({
        ...Object.fromEntries(parts.map(([, html], n) => [`/${n}`, html])),
        "/": `<nav>${parts.map((_, n) => `<a href="/${n}">${n}</a>`).join("")}</nav><main>start</main>`
      })
      yield* withService(
        Effect.gen(function* () {
          const job = yield* crawl({ url, main_content_only: true, output_formats: ["cleaned"] })
          const items: ReadonlyArray<Item & { readonly original_url: string }> = job.job_items
          assert.lengthOf(items, parts.length + 1)
          for (const [n, [what, , kept]] of parts.entries()) {
            const item = items.find((one) => one.original_url === `${url}${n}`)
            assert.strictEqual((yield* text(item?.markdown_content_url ?? "")).trim(), kept, what)
            const cleaned = yield* text(item?.cleaned_content_url ?? "")
            assert.strictEqual(
              cleaned
                .replace(/<[^>]*>/g, " ")
                .trim()
                .replace(/\s+/g, "\n\n"),
              kept.replace(/ /g, "\n\n")
            )
          }
        })
      )
    })
  )

  it.live("is refused where a page would grow out of proportion", () =>
    Effect.gen(function* () {
      // Each paragraph opens again all elements that the page leaves open.
      const open = Array.from({ length: 200 }, (_, n) => `<b id="element-that-stays-open-${n}">`).join("")
      const { url } = yield* site({ "/": "<p>" + open + "<p>x".repeat(400) })
      yield* withService(
        Effect.gen(function* () {
          const { job_items } = yield* crawl({ url, scrape_type: "cleaned" })
          assert.deepInclude(job_items[0], { status: "error", error_code: "host_returned_error", reason: "too_large" })
        })
      )
    })
  )

  it.live("gives webcrawlerapi-js what it asks for", () =>
    Effect.gen(function* () {
      const { url } = yield* site(pages)
      yield* withService(
        Effect.gen(function* () {
          const { url: api } = yield* Service.Service
          const sdk = new WebcrawlerClient("local", api.replace(/\/$/, ""))
          const job = yield* Effect.promise(() => sdk.crawl({ url: `${url}a`, scrape_type: "html" }))
          assert.strictEqual(yield* Effect.promise(async () => job.job_items[0]?.getContent()), pages["/a"])
          const page = yield* Effect.promise(() =>
            sdk.scrape({ url, output_format: "cleaned", main_content_only: true })
          )
          assert.deepInclude(page, { success: true, page_title: "Home & more" })
          const { cleaned_content = "", markdown } = page as { cleaned_content?: string; markdown?: string }
          assert.include(cleaned_content, "<h1>Home</h1>")
          assert.notInclude(cleaned_content, "banner")
          assert.isUndefined(markdown)
        })
      )
    })
  )
})
