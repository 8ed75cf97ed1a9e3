import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Extractor from "../src/page/Extractor.ts"

const page = (text: string, type = "text/html") => ({ url: "https://example.com/", status: 200, type, text })

const extracting = (options: Extractor.Options, ...texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { extract } = yield* Extractor.Extractor
    return yield* Effect.forEach(texts, (text) => Effect.result(extract(page(text))), { concurrency: "unbounded" })
  }).pipe(Effect.provide(Extractor.layer(options)))

/** About as large as a page may be. */
const large = "<p>text <a href=/a>link</a>".repeat(180_000)

const tooLarge = { _tag: "HostReturnedError", status: 200, detail: "too_large" }

describe("pages are converted in threads of their own", () => {
  it.live("as they are without", () =>
    Effect.gen(function* () {
      const [result] = yield* extracting({}, `<title>T</title><p>a <a href="/b">b</a>`)
      assert.deepStrictEqual(result?._tag === "Success" ? result.success : result?.failure, {
        title: "T",
        links: ["https://example.com/b"],
        markdown: "a [b](https://example.com/b)\n",
        cleaned: ""
      })
    })
  )

  it.live(
    "and one that takes too long is ended, and is not the crawler's fault",
    () =>
      Effect.gen(function* () {
        const begun = Date.now()
        const results = yield* extracting({ threads: 1, timeout: "1 second" }, large, "<p>next")
        assert.isBelow(Date.now() - begun, 8000)
        const [first, next] = results
        assert.deepInclude(first?._tag === "Failure" ? first.failure : {}, tooLarge)
        assert.strictEqual(next?._tag === "Success" ? next.success.markdown : "", "next\n")
      }),
    20_000
  )

  it.live(
    "and one that takes too much memory is ended, and no other page with it",
    () =>
      Effect.gen(function* () {
        const [first, next] = yield* extracting({ threads: 2, memory: 48, timeout: "30 seconds" }, large, "<p>next")
        assert.deepInclude(first?._tag === "Failure" ? first.failure : {}, tooLarge)
        assert.strictEqual(next?._tag === "Success" ? next.success.markdown : "", "next\n")
      }),
    40_000
  )

  it.live(
    "while everything else goes on",
    () =>
      Effect.gen(function* () {
        let longest = 0
        let last = performance.now()
        const timer = setInterval(() => {
          const now = performance.now()
          longest = Math.max(longest, now - last)
          last = now
        }, 5)
        yield* extracting({ threads: 1, timeout: "2 seconds" }, large)
        clearInterval(timer)
        assert.isBelow(longest, 500)
      }),
    20_000
  )
})
