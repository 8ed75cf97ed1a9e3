import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"
import * as Explanation from "../src/explain/Explanation.ts"
import * as ExplanationPage from "../src/explain/ExplanationPage.ts"
import * as Render from "../src/report/Render.ts"
import { folder } from "./files.ts"
import { brokenWords, browserOf, looks, noChromium, open, tablet, violations } from "./watch/browser.ts"
import { withText } from "./watch/fixtures.ts"
import { emptyReport, failedPages, readPages, report, reportOf } from "./watch/report.ts"

const long = withText(report as never, "W".repeat(300)) as never

const stopped = { ...report, stopped: ["the crawl was interrupted; this is how far it came."], hasStories: false }

/** Reports on a disk, as they come with a mail. */
const files = Effect.map(folder, (dir) =>
  Object.entries({ report, stopped, empty: emptyReport, long }).map(([name, shown]) => {
    const file = join(dir, `${name}.html`)
    writeFileSync(file, Render.html(shown))
    return [name, pathToFileURL(file)] as const
  })
)

/** An explained policy whose codes are long words. */
const explained = Effect.gen(function* () {
  const file = join(yield* folder, "explained.html")
  const overrides = { "host_returned_error/connection_refused": { retries: 1 }, insufficient_balance: { giveUp: true } }
  const policy = yield* RetryPolicy.fromJson({ retries: 3, overrides })
  writeFileSync(file, ExplanationPage.document(yield* Explanation.make(policy, {})))
  return pathToFileURL(file)
})

const evaluate = <A>(page: Page, code: string) => Effect.promise(() => page.evaluate<A>(code))

const browser = browserOf(afterAll)

describe.skipIf(noChromium)("a report in a browser, from a disk", () => {
  for (const [width, colorScheme] of [...looks, tablet])
    it.live(`is accessible, fits, breaks no word and asks nobody at ${width} px, ${colorScheme}`, () =>
      Effect.gen(function* () {
        const chromium = yield* browser
        for (const [name, url] of yield* files) {
          const { complaints, page } = yield* open(chromium, url, { viewport: { width, height: 800 }, colorScheme })
          const asked: Array<string> = []
          page.on("request", (request) => asked.push(request.url()))
          yield* evaluate(
            page,
            `for (const details of document.querySelectorAll("details")) details.open = true
            for (const story of document.querySelectorAll(".story")) story.style.contentVisibility = "visible"`
          )
          // Texts of strangers change the layout, and nothing that axe looks at.
          if (name !== "long") {
            assert.deepStrictEqual(yield* brokenWords(page), [], name)
            assert.deepStrictEqual(yield* violations(page), [], name)
          }
          assert.isAtMost(yield* evaluate<number>(page, "document.documentElement.scrollWidth"), width, name)
          assert.deepStrictEqual([complaints, asked], [[], []], name)
        }
      }).pipe(Effect.scoped)
    )

  for (const width of [390, 1280])
    it.live(`breaks no word of an explained policy at ${width} px`, () =>
      Effect.gen(function* () {
        const { page } = yield* open(yield* browser, yield* explained, { viewport: { width, height: 800 } })
        assert.deepStrictEqual(yield* brokenWords(page), [])
        assert.deepStrictEqual(yield* violations(page), [])
        assert.isAtMost(yield* evaluate<number>(page, "document.documentElement.scrollWidth"), width)
      }).pipe(Effect.scoped)
    )

  it.live("leads from a page on the time axis to its story", () =>
    Effect.gen(function* () {
      const [[, url] = []] = yield* files
      const { page } = yield* open(yield* browser, url!)
      yield* Effect.promise(() => page.click("#axis .page a"))
      const at = yield* evaluate<string>(page, `document.querySelector(":target").className`)
      assert.strictEqual(at, "story")
      const { top } = yield* evaluate<{ top: number }>(
        page,
        `document.querySelector(":target").getBoundingClientRect()`
      )
      assert.isAtLeast(top, 0)
    }).pipe(Effect.scoped)
  )

  it.live("prints everything, on white", () =>
    Effect.gen(function* () {
      const [[, url] = []] = yield* files
      const { complaints, page } = yield* open(yield* browser, url!, {
        colorScheme: "dark",
        // An A4 sheet within its margins.
        viewport: { width: 718, height: 1046 }
      })
      yield* Effect.promise(() => page.emulateMedia({ media: "print" }))
      const hidden = `[...document.querySelectorAll("main *:not(title)")]
        .filter((node) => node.textContent.trim() !== "" && !node.checkVisibility({ contentVisibilityAuto: true }))
        .map((node) => node.outerHTML.slice(0, 80))`
      assert.deepStrictEqual(yield* evaluate<ReadonlyArray<string>>(page, hidden), [])
      assert.strictEqual(
        yield* evaluate<string>(page, "getComputedStyle(document.body).backgroundColor"),
        "rgb(255, 255, 255)"
      )
      // On a phone tables become sheets, on paper they have room.
      assert.strictEqual(
        yield* evaluate<string>(page, `getComputedStyle(document.querySelector("thead")).display`),
        "table-header-group"
      )
      assert.isAtMost(yield* evaluate<number>(page, "document.documentElement.scrollWidth"), 718)
      const pdf = yield* Effect.promise(() => page.pdf({ format: "A4" }))
      assert.strictEqual(pdf.subarray(0, 5).toString(), "%PDF-")
      assert.isAbove(pdf.length, 20_000)
      assert.deepStrictEqual(complaints, [])
    }).pipe(Effect.scoped)
  )

  it.live("opens with as much as it may have", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "many.html")
      writeFileSync(file, Render.html(reportOf({ failed: failedPages(20_000), done: readPages(100) })))
      const { complaints, page } = yield* open(yield* browser, pathToFileURL(file))
      assert.isAbove(yield* evaluate<number>(page, `document.querySelectorAll(".story").length`), 500)
      assert.deepStrictEqual(complaints, [])
    }).pipe(Effect.scoped)
  )
})
