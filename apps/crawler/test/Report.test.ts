import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as CommandLine from "../src/report/CommandLine.ts"
import * as Render from "../src/report/Render.ts"
import type { Report } from "../src/report/Report.ts"
import { emptyReport, failedPages, readPages, report, reportOf } from "./watch/report.ts"
import { withText } from "./watch/fixtures.ts"
import { attribute, elementsOf, textOf } from "./watch/html.ts"

const elements = (shown: Report, name: string) =>
  elementsOf(Render.html(shown)).filter(({ tagName }) => tagName === name)

const textsOf = (shown: Report, name: string): ReadonlyArray<string> => elements(shown, name).map(textOf)

const bytes = (text: string): number => Buffer.byteLength(text)

describe("a report", () => {
  it("has one heading, one main part, and no words without meaning", () => {
    for (const shown of [report, emptyReport]) {
      const found = elementsOf(Render.html(shown))
      const count = (name: string) => found.filter(({ tagName }) => tagName === name).length
      assert.deepStrictEqual([count("h1"), count("main")], [1, 1])
      assert.notMatch(textOf(found.find(({ tagName }) => tagName === "main")!), /undefined|NaN|\[object/)
    }
  })

  it("says on top when, by what and how it was written, and how much it covers", () => {
    const [main] = elements(report, "main")
    const text = textOf(main!)
    const order = ["pages were read", "24 Nov 2026, 14:03:22 UTC", "redrive 0.1.0", "redrive crawl", "within the scope"]
    const places = order.map((part) => text.indexOf(part))
    assert.notInclude(places, -1)
    assert.deepStrictEqual(
      places,
      places.toSorted((one, other) => one - other)
    )
    assert.deepStrictEqual(textsOf(report, "h2"), [
      "The policy in force",
      "Who must act",
      "Hosts",
      "Attempts and waits",
      "Failed pages",
      "Pages that were read"
    ])
  })

  it("tells those failures first on which whoever reads it can act", () => {
    const actors = textsOf(report, "article").map((text) => /Acts: ([a-z ]+)\./.exec(text)?.[1])
    assert.deepStrictEqual([...new Set(actors)], ["operator", "caller", "site owner", "nobody"])
  })

  it("tells every attempt and wait with its reason", () => {
    const [first] = textsOf(report, "article").filter((text) => text.includes("Retry-After"))
    assert.include(first ?? "", "waits 1 min: the site said when to come back (Retry-After)")
  })

  it("loads nothing, runs nothing, and leads to its own parts and to the site alone", () => {
    const html = Render.html(report)
    const found = elementsOf(html)
    const names = new Set(found.map(({ tagName }) => tagName))
    for (const name of ["script", "link", "form", "button", "input", "iframe", "base"]) assert.isFalse(names.has(name))
    const ids = new Set(found.flatMap((element) => attribute(element, "id") ?? []))
    for (const href of found.flatMap((element) => attribute(element, "href") ?? []))
      assert.isTrue(href.startsWith("#") ? ids.has(href.slice(1)) : /^https?:/.test(href), href)
    assert.notMatch(html, /url\(|@import/)
    const [policy] = found.filter((element) => attribute(element, "http-equiv") === "Content-Security-Policy")
    assert.notMatch(attribute(policy!, "content")!, /unsafe|https?:|script-src/)
    assert.strictEqual(ids.size, found.filter((element) => attribute(element, "id") !== undefined).length)
  })

  it("is 150 kB at most if it is empty", () => {
    assert.isAtMost(bytes(Render.html(emptyReport)), 150_000)
  })
})

describe("a report of many pages", () => {
  it("is 3 MB at most, and says what it only counts", () => {
    const many = reportOf({ failed: failedPages(100_000), done: readPages(20_000) })
    const html = Render.html(many)
    assert.isAtMost(bytes(html), 3_000_000)
    assert.isAtLeast(bytes(html), 2_500_000)
    const told = textsOf(many, "article").length
    const text = textOf(elements(many, "main")[0]!)
    const [, has, of, read, all] =
      /this file has ([\d,]+) of the ([\d,]+) failed pages and ([\d,]+) of the ([\d,]+) that were read/.exec(text) ?? []
    assert.deepStrictEqual([has?.replace(",", ""), of, read, all], [String(told), "100,000", "0", "20,000"])
    // What is told and what is counted is everything.
    const rows = elementsOf(html)
      .filter((table) => table.tagName === "table" && textOf(table).startsWith("Failed pages that are only counted"))
      .flatMap((table) =>
        [...textOf(table).matchAll(/([\d,]+)host/g)].map(([, count]) => Number(count?.replace(",", "")))
      )
    const [, more = "0"] = /groups? more, with ([\d,]+) pages/.exec(text) ?? []
    assert.strictEqual(
      rows.reduce((sum, row) => sum + row, told + Number(more.replace(",", ""))),
      100_000
    )
  })

  it("tells all failures, and as many of the pages that were read as there is room for", () => {
    const many = reportOf({ failed: failedPages(50), done: readPages(20_000) })
    assert.strictEqual(elements(many, "article").length, 50)
    const html = Render.html(many)
    assert.isAtMost(bytes(html), 3_000_000)
    assert.isAtLeast(bytes(html), 2_500_000)
  })

  it("is 3 MB at most whatever is in its texts", () => {
    for (const text of [
      "\u202E".repeat(1_000_000),
      "&".repeat(1_000_000),
      "𝒳".repeat(500_000),
      "<".repeat(1_000_000)
    ]) {
      const long = reportOf({ failed: failedPages(20), done: readPages(20) }, (page, index) => ({
        ...page,
        title: text,
        url: `https://example.com/${index}/${text}`
      }))
      assert.isAtMost(bytes(Render.html(long)), 3_000_000)
    }
  })

  it("tells the begin and the end of a story of many attempts", () => {
    const [page] = failedPages(1)
    const { story } = page!
    const many = reportOf({
      failed: [{ ...page!, story: Array.from({ length: 20_000 }, (_, index) => ({ ...story[0]!, at: index * 1000 })) }],
      done: []
    })
    assert.include(textsOf(many, "article")[0], "19,960 attempts in the middle are left out.")
  })
})

describe("a text of strangers in a report", () => {
  const assertHarmless = (text: string) => {
    const found = elementsOf(Render.html(withText(report as never, text) as never))
    for (const element of found) {
      assert.notInclude(["script", "iframe", "object", "embed", "base", "form", "link"], element.tagName)
      for (const attr of element.attrs) {
        assert.notMatch(attr.name, /^on|^style$|^srcdoc$/)
        if (attr.name === "href") assert.match(attr.value, /^(#|https?:)/)
        if (attr.name === "src") assert.match(attr.value, /^data:image\/svg\+xml,/)
      }
    }
    assert.strictEqual(found.filter(({ tagName }) => tagName === "style").length, 1)
  }

  const hostile = [
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<!--<script>",
    `"><img src=x onerror=alert(1)>`,
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/",
    "__proto__",
    "\u0000\u202Etxt.exe\uD800"
  ]
  for (const text of hostile) it(`is a text: ${JSON.stringify(text)}`, () => assertHarmless(text))

  it.prop("never becomes markup", { text: Schema.String }, ({ text }) => assertHarmless(text), {
    arbitrary: { runs: 15 }
  })
})

describe("a command line", () => {
  const shown = (...args: ReadonlyArray<string>) => CommandLine.shown("redrive", args, ["sk-4711-secret"])

  it("is shown as a shell takes it", () => {
    assert.strictEqual(
      shown("crawl", "https://example.com/?a=1&b=2", "--whitelist-regexp", "it's (a|b)", "--json", "a b.json", ""),
      `redrive crawl 'https://example.com/?a=1&b=2' --whitelist-regexp 'it'\\''s (a|b)' --json 'a b.json' ''`
    )
  })

  it("has no key and no password", () => {
    const line = shown(
      "crawl",
      "https://user:p4ss@example.com/?q=1&api_key=hidden1&token=hidden2#access_token=hidden3",
      "--api-key",
      "hidden4",
      "--api-key=hidden5",
      "--json",
      "sk-4711-secret.json",
      "--whitelist-regexp",
      "https://user:p%40ss@example.com/"
    )
    assert.notMatch(line, /p4ss|p%40ss|hidden\d|4711/)
    assert.include(line, "q=1")
  })
})
