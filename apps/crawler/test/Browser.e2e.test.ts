import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"
import type { View } from "../src/watch/Model.ts"
import * as Words from "../src/watch/views/Words.ts"
import { brokenWords, browserOf, looks, noChromium, open, pages, tablet, violations } from "./watch/browser.ts"
import { emptyViews, items, jobs, jobView, now, overview, shown, views, withText } from "./watch/fixtures.ts"

const byPath = (all: { readonly [name: string]: View }, before: string) =>
  Object.fromEntries(Object.entries(all).map(([name, view]) => [`/${before}${name}`, shown(view)]))

/** Waits until a condition of the page holds. */
const holds = Effect.fnUntraced(function* (page: Page, condition: string) {
  while (!(yield* Effect.promise(() => page.evaluate<boolean>(condition)))) yield* Effect.sleep("20 millis")
})

const overviewAt = (later: number, failed: number) => {
  const view = shown({ ...overview, totals: { ...overview.totals, failed } })
  return { ...view, frame: { ...view.frame, now: now + later } }
}

const browser = browserOf(afterAll)

describe.skipIf(noChromium)("the page in a browser", () => {
  for (const [width, colorScheme] of [...looks, tablet])
    it.live(`is accessible, fits and breaks no word at ${width} px, ${colorScheme}`, () =>
      Effect.gen(function* () {
        const long = Object.entries(views).map(([name, view]) => [name, withText(view, "W".repeat(300))])
        const all = {
          ...byPath(views, ""),
          ...byPath(emptyViews, "empty "),
          ...byPath(Object.fromEntries(long), "long ")
        }
        const { url } = yield* pages({ "/": shown(overview), ...all })
        const { complaints, page } = yield* open(yield* browser, url, { viewport: { width, height: 800 }, colorScheme })
        for (const path of Object.keys(all)) {
          yield* Effect.promise(() => page.goto(new URL(encodeURI(path), url).href))
          yield* Effect.promise(() =>
            page.evaluate(`for (const details of document.querySelectorAll("details")) details.open = true`)
          )
          // Texts of strangers change the layout, and nothing that axe looks at.
          if (!path.startsWith("/long")) {
            assert.deepStrictEqual(yield* brokenWords(page), [], path)
            assert.deepStrictEqual(yield* violations(page), [], path)
          }
          const scroll = yield* Effect.promise(() => page.evaluate<number>("document.documentElement.scrollWidth"))
          assert.isAtMost(scroll, width, path)
          assert.deepStrictEqual(complaints, [], path)
        }
      }).pipe(Effect.scoped)
    )

  it.live("shows a change within a second, and keeps what is open, chosen and typed", () =>
    Effect.gen(function* () {
      const server = yield* pages({ "/": shown(overview) })
      const { complaints, page } = yield* open(yield* browser, server.url)
      yield* holds(page, `document.querySelector("[role=status]").textContent === "live"`)
      yield* Effect.promise(() => page.click("summary"))
      yield* Effect.promise(() => page.focus("nav a"))
      server.show("/", overviewAt(3000, 77))
      server.tell("overview")
      const begun = Date.now()
      yield* holds(page, `document.querySelector("h1").textContent.includes("77 pages failed")`)
      assert.isBelow(Date.now() - begun, 1000)
      assert.isTrue(yield* Effect.promise(() => page.evaluate<boolean>(`document.querySelector("details").open`)))
      assert.isTrue(yield* Effect.promise(() => page.evaluate<boolean>(`document.activeElement.matches("nav a")`)))
      assert.match(yield* Effect.promise(() => page.title()), /^77 failed/)
      // Whoever types is left alone until the form is left.
      yield* Effect.promise(() => page.fill("[name=dollars]", "20"))
      server.show("/", overviewAt(4000, 78))
      server.tell("overview")
      yield* Effect.sleep("1200 millis")
      assert.include(yield* Effect.promise(() => page.innerText("h1")), "77")
      assert.strictEqual(yield* Effect.promise(() => page.inputValue("[name=dollars]")), "20")
      yield* Effect.promise(() => page.focus("nav a"))
      yield* holds(page, `document.querySelector("h1").textContent.includes("78 pages failed")`)
      assert.strictEqual(yield* Effect.promise(() => page.inputValue("[name=dollars]")), "20")
      assert.deepStrictEqual(complaints, [])
    }).pipe(Effect.scoped)
  )

  it.live("does not hear of what it does not show, and asks once for many changes", () =>
    Effect.gen(function* () {
      const server = yield* pages({ "/": shown(overview) })
      const { page } = yield* open(yield* browser, server.url)
      yield* holds(page, `document.querySelector("[role=status]").textContent === "live"`)
      let asked = 0
      page.on("request", (request) => void (asked += request.resourceType() === "fetch" ? 1 : 0))
      for (let times = 0; times < 50; times++) server.tell("job:another")
      yield* Effect.sleep("100 millis")
      assert.strictEqual(asked, 0)
      for (let times = 0; times < 50; times++) {
        server.tell("overview")
        yield* Effect.sleep("10 millis")
      }
      server.show("/", overviewAt(3000, 77))
      server.tell("overview")
      yield* holds(page, `document.querySelector("h1").textContent.includes("77")`)
      assert.isAtMost(asked, 3)
    }).pipe(Effect.scoped)
  )

  it.live("counts down by itself", () =>
    Effect.gen(function* () {
      const server = yield* pages({ "/": shown(overview) })
      const { page } = yield* open(yield* browser, server.url)
      const text = `document.querySelector(".countdown").textContent`
      const before = yield* Effect.promise(() => page.evaluate<string>(text))
      yield* holds(page, `${text} !== ${JSON.stringify(before)}`)
      assert.match(yield* Effect.promise(() => page.evaluate<string>(text)), /^in \d+ s$/)
    }).pipe(Effect.scoped)
  )

  it.live("says that it has no connection, and connects again", () =>
    Effect.gen(function* () {
      const server = yield* pages({ "/": shown(overview) })
      const { page } = yield* open(yield* browser, server.url)
      const status = `document.querySelector("[role=status]").textContent`
      yield* holds(page, `${status} === "live"`)
      server.drop()
      yield* holds(page, `${status} === "no connection, trying again"`)
      server.show("/", overviewAt(9000, 79))
      yield* holds(page, `${status} === "live"`)
      yield* holds(page, `document.querySelector("h1").textContent.includes("79")`)
      assert.strictEqual(server.connected(), 2)
    }).pipe(Effect.scoped)
  )

  it.live("stops while it is hidden, and reads once when it is seen again", () =>
    Effect.gen(function* () {
      const server = yield* pages({ "/": shown(overview) })
      const { page } = yield* open(yield* browser, server.url)
      const hide = (isHidden: boolean) =>
        Effect.promise(() =>
          page.evaluate(`Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"))`)
        )
      const status = `document.querySelector("[role=status]").textContent`
      yield* holds(page, `${status} === "live"`)
      yield* hide(true)
      yield* holds(page, `${status} === "paused"`)
      while (server.listening() > 0) yield* Effect.sleep("10 millis")
      server.show("/", overviewAt(9000, 80))
      yield* hide(false)
      yield* holds(page, `${status} === "live" && document.querySelector("h1").textContent.includes("80")`)
    }).pipe(Effect.scoped)
  )

  it.live("leads the keyboard to every control", () =>
    Effect.gen(function* () {
      const server = yield* pages(byPath(views, ""))
      const chromium = yield* browser
      for (const name of ["overview", "job", "redrive", "items"]) {
        const { page } = yield* open(chromium, new URL(`/${name}`, server.url))
        const reached = yield* Effect.promise(async () => {
          const all = await page.evaluate<number>(
            `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex]")]
              .filter((node) => node.checkVisibility()).length`
          )
          await page.evaluate("void (window.reached = new Set())")
          for (let times = 0; times < all; times++) {
            await page.keyboard.press("Tab")
            await page.evaluate("void reached.add(document.activeElement)")
          }
          return [all, await page.evaluate<number>("reached.size")]
        })
        assert.strictEqual(reached[1], reached[0], name)
      }
    }).pipe(Effect.scoped)
  )

  it.live("works without a script", () =>
    Effect.gen(function* () {
      const server = yield* pages({ ...byPath(views, ""), "/items?status=failed": shown(views["items"]!) })
      const { page } = yield* open(yield* browser, new URL("/overview", server.url), { javaScriptEnabled: false })
      yield* Effect.promise(() => page.click("h1 a"))
      assert.strictEqual(new URL(page.url()).search, "?status=failed")
    }).pipe(Effect.scoped)
  )

  it.live("draws many jobs and stories in no time", () =>
    Effect.gen(function* () {
      const many = (count: number) =>
        Array.from({ length: count }, (_, index) => ({ ...items[index % 7]!, id: `i${index}` }))
      const before = jobView.job.done
      const view = (done: number) =>
        shown({
          ...jobView,
          job: { ...jobView.job, done },
          stories: many(10_000),
          items: { ...jobView.items, items: many(200) },
          again: jobs
        })
      const server = yield* pages({ "/": view(before) })
      const { page } = yield* open(yield* browser, server.url)
      yield* holds(page, `document.querySelector("[role=status]").textContent === "live"`)
      server.show("/", view(before + 1))
      server.tell(`job:${jobView.job.id}`)
      const begun = Date.now()
      const label = `document.querySelector("svg.progress").getAttribute("aria-label")`
      yield* holds(page, `${label}.startsWith("${Words.number(before + 1)}")`)
      assert.isBelow(Date.now() - begun, 1000)
    }).pipe(Effect.scoped)
  )
})
