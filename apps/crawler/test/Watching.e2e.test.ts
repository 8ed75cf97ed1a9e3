import { assert, describe, it } from "@effect/vitest"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import type { Page } from "playwright-core"
import { pagePrice } from "../src/service/Accounts.ts"
import * as Service from "../src/service/Service.ts"
import * as Incidents from "../src/service/Incidents.ts"
import * as Web from "../src/watch/Web.ts"
import { create, withService } from "./api.ts"
import { browser, noChromium, open, violations } from "./watch/browser.ts"

const key = "a key of an operator"

/** Slow enough that a person sees pages wait. */
const brief = { base: "500 millis", cap: "500 millis" } as const
const policy = RetryPolicy.make({ retries: 2, maxRetryAfter: "5 seconds", quick: brief, steady: brief, slow: brief })

/** An account for three pages of a site that has more. */
const shop = { id: "shop", apiKey: Redacted.make("shop"), balance: 3 * pagePrice }

/** What a person does and sees in a page that is never loaded anew while it is watched. */
const person = (page: Page) => {
  const act = <A>(use: (page: Page) => Promise<A>) => Effect.promise(() => use(page))
  const heading = act((page) => page.innerText("h1"))
  return {
    act,
    heading,
    /** Waits until the heading says it. */
    until: Effect.fnUntraced(function* (words: RegExp) {
      while (!words.test(yield* heading)) yield* Effect.sleep("50 millis")
    }, Effect.timeout("20 seconds")),
    click: (name: string | RegExp, role: "button" | "link" = "link") =>
      act((page) => page.getByRole(role, { name }).first().click()),
    /** What axe and a window of this width find wrong. */
    accessible: Effect.gen(function* () {
      assert.deepStrictEqual(yield* violations(page), [], page.url())
      const [scroll, width] = yield* act((page) =>
        page.evaluate<[number, number]>("[document.documentElement.scrollWidth, innerWidth]")
      )
      assert.isAtMost(scroll, width, page.url())
    }),
    query: () => Object.fromEntries(new URL(page.url()).searchParams)
  }
}

const signIn = Effect.fnUntraced(function* ({ act, click, until }: ReturnType<typeof person>) {
  yield* act((page) => page.getByLabel("Operator key").fill(key))
  yield* click("Sign in", "button")
  yield* until(/^Nothing has been crawled yet/)
})

/** Watches a crawl of a site that misbehaves, from before its beginning. Numbers change while nothing is loaded anew. */
const watches = Effect.fnUntraced(function* ({ accessible, act, until }: ReturnType<typeof person>, url: string) {
  yield* accessible
  yield* act((page) => page.evaluate("globalThis.mark = 1"))
  yield* create({ url, items_limit: 100, respect_robots_txt: true })
  yield* until(/^1 job runs; \d+ pages? failed, [1-9]\d* waits?\./)
  yield* until(/^No job runs; [1-9]\d* pages failed, 0 wait\./)
  assert.strictEqual(yield* act((page) => page.evaluate<number>("globalThis.mark")), 1)
  yield* accessible
})

/** Finds the pages that a site owner must mend, by filters whose state is in the address, and looks at one. */
const filters = Effect.fnUntraced(function* (
  { accessible, act, click, heading, query, until }: ReturnType<typeof person>,
  host: string
) {
  yield* click("Pages")
  yield* act((page) => page.getByLabel("Who acts").selectOption("site owner"))
  yield* act((page) => page.getByLabel("Host", { exact: true }).fill(host))
  yield* click("Show", "button")
  yield* until(/^\d+ pages .*site owner/)
  assert.deepInclude(query(), { actor: "site owner", host })
  const all = yield* heading
  yield* act((page) => page.getByLabel("Code").fill("host_returned_error"))
  yield* act((page) => page.getByLabel("Text in URL").fill("/STATUS/500"))
  yield* click("Show", "button")
  yield* act((page) => page.waitForURL(/text=/))
  assert.deepInclude(query(), { actor: "site owner", host, code: "host_returned_error", text: "/STATUS/500" })
  yield* accessible
  yield* act((page) => page.goBack())
  yield* until(/site owner/)
  assert.strictEqual(yield* heading, all)
})

/** The time line of a page that was tried again. */
const looks = Effect.fnUntraced(function* ({ accessible, act, click }: ReturnType<typeof person>, url: string) {
  yield* act((page) => page.goto(new URL("/items?because=retries", url).href))
  yield* act((page) => page.locator("table td a").filter({ hasText: "http" }).first().click())
  yield* act((page) => page.getByRole("heading", { name: "Attempts and waits" }).waitFor())
  const rows = yield* act((page) => page.getByRole("table").last().getByRole("row").count())
  assert.isAtLeast(rows, 3)
  assert.isAbove(yield* act((page) => page.locator("main svg rect").count()), 1)
  yield* accessible
  yield* click(/^job/)
  yield* accessible
})

/** Pays for an account whose job stopped, and sees the job end. */
const pays = Effect.fnUntraced(function* ({ accessible, act, click, until }: ReturnType<typeof person>, url: string) {
  yield* act((page) => page.goto(url))
  yield* until(/You must act on/)
  yield* act((page) => page.getByText("Top up account shop").click())
  yield* act((page) => page.getByLabel("US dollars").fill("1"))
  yield* act((page) => page.getByLabel("Payment id").fill("invoice 7"))
  yield* accessible
  yield* click("Top up", "button")
  yield* act((page) => page.waitForURL(/accounts/))
  yield* act((page) => page.getByRole("row", { name: /shop/ }).filter({ hasNotText: "parked" }).waitFor())
  yield* click("Overview")
  yield* until(/^No job runs/)
  yield* act((page) => page.locator("ul.parked").waitFor({ state: "hidden" }))
  assert.isTrue(yield* act((page) => page.getByRole("cell", { name: /account shop by \$1 \(invoice 7\)/ }).isVisible()))
})

/** Sends failed pages round again, after it was said how many and for how much. */
const redrives = Effect.fnUntraced(function* (
  { accessible, act, click, heading, until }: ReturnType<typeof person>,
  url: string
) {
  yield* act((page) => page.goto(new URL("/items?because=retries&status=failed", url).href))
  yield* click(/^Redrive the failed ones/)
  yield* until(/^Redrive \d+ pages for at most \$0\.\d+\?$/)
  const count = Number(/\d+/.exec(yield* heading)?.[0])
  yield* accessible
  yield* click(/^Redrive \d+ pages$/, "button")
  // Pages of two jobs go again in two, which the overview shows.
  yield* act((page) => page.waitForURL(url))
  yield* until(/^2 jobs run/)
  yield* until(/^No job runs/)
  assert.isTrue(yield* act((page) => page.getByRole("cell", { name: "redrive", exact: true }).first().isVisible()))
  return count
})

describe.skipIf(noChromium)("somebody who watches the service", () => {
  it.live("sees a crawl as it goes, finds what failed, pays, and sends pages round again", () =>
    withService(
      Effect.gen(function* () {
        const { accounts, url } = yield* Service.Service
        const site = yield* HostileSite.make({ retryAfter: "1 second" })
        const { complaints, page } = yield* open(yield* browser, new URL("/sign-in?to=%2F", url))
        const somebody = person(page)
        yield* signIn(somebody)
        yield* watches(somebody, site.url)
        yield* filters(somebody, new URL(site.url).host)
        yield* looks(somebody, url)
        yield* accounts.open(shop)
        yield* create({ url: site.url, items_limit: 20 }, "shop")
        yield* pays(somebody, url)
        assert.isAbove(yield* redrives(somebody, url), 0)
        assert.deepStrictEqual(complaints, [])
      }),
      {
        policy,
        page: Web.make({ operatorKey: Redacted.make(key), isOpen: false }),
        alerts: Incidents.layer<never>({}),
        timeout: "700 millis"
      }
    ).pipe(Effect.provide(Logger.layer([])))
  )
})
