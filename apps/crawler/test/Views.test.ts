import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Assets from "../src/watch/Assets.ts"
import * as Filter from "../src/watch/Filter.ts"
import type { ItemLine, View } from "../src/watch/Model.ts"
import * as Render from "../src/watch/Render.ts"
import * as Words from "../src/watch/views/Words.ts"
import { emptyViews, items, jobView, now, overview, plan, shown, views, withText } from "./watch/fixtures.ts"
import { attribute, elementsOf, textOf } from "./watch/html.ts"

const assets = Assets.make()

const rendered = (view: View, mayAct = true): string => Render.html(shown(view, mayAct), assets)

const elements = (view: View, name: string, mayAct = true) =>
  elementsOf(rendered(view, mayAct)).filter(({ tagName }) => tagName === name)

const textsOf = (view: View, name: string): ReadonlyArray<string> => elements(view, name).map(textOf)

const linksOf = (view: View): ReadonlyArray<string> =>
  elements(view, "a").flatMap((link) => attribute(link, "href") ?? [])

const all = [
  ...Object.entries(views),
  ...Object.entries(emptyViews).map(([name, view]) => [`${name} without anything`, view] as const)
]

describe("a page", () => {
  for (const [name, view] of all)
    it(`${name}: has one heading, one main part, and no words without meaning`, () => {
      for (const mayAct of [true, false]) {
        const document = rendered(view, mayAct)
        const found = elementsOf(document).map(({ tagName }) => tagName)
        assert.deepStrictEqual(
          [found.filter((tag) => tag === "h1").length, found.filter((tag) => tag === "main").length],
          [1, 1]
        )
        assert.notMatch(
          textOf(elementsOf(document).find(({ tagName }) => tagName === "main")!),
          /undefined|NaN|\[object/
        )
      }
    })

  it("has its data and its module as scripts, if it is live, and none if it stays as it is", () => {
    assert.deepStrictEqual(
      elements(overview, "script").map((script) => attribute(script, "type")),
      ["module", "application/json"]
    )
    assert.deepStrictEqual(elements(plan, "script"), [])
  })

  it("carries the data of which it was made", () => {
    const [, data] = elements(overview, "script")
    assert.deepStrictEqual(
      JSON.parse(textOf(data!)),
      JSON.parse(JSON.stringify(shown(overview)).replaceAll(/\s+/g, " "))
    )
  })

  it("lets nobody act who has not signed in", () => {
    for (const [name, view] of all) {
      const posts = elements(view, "form", false)
        .filter((form) => attribute(form, "method") === "post")
        .map((form) => attribute(form, "action"))
      assert.deepStrictEqual(posts, name.startsWith("sign in") ? ["/sign-in"] : [])
    }
  })

  it("sends the token with each form", () => {
    for (const [, view] of all) {
      const posts = elements(view, "form").filter((form) => attribute(form, "method") === "post")
      for (const form of posts) {
        const inputs = form.childNodes.filter((node) => "tagName" in node && attribute(node, "name") === "token")
        assert.strictEqual(inputs.length, 1)
      }
    }
  })
})

describe("the overview", () => {
  it("begins with the state in one sentence", () => {
    assert.deepStrictEqual(textsOf(overview, "h1"), ["2 jobs run; 41 pages failed, 12 wait. You must act on 5 things."])
    assert.deepStrictEqual(
      textsOf({ ...overview, failures: [], parked: [], totals: { ...overview.totals, failed: 0, waiting: 1 } }, "h1"),
      ["2 jobs run; 0 pages failed, 1 waits. Nothing needs you."]
    )
  })

  it("says who must act, then what waits, then what runs", () => {
    assert.deepStrictEqual(textsOf(overview, "h2"), [
      "Who must act",
      "What still waits",
      "Jobs",
      "Pace",
      "What people did"
    ])
  })

  it("has a link of each number to the pages that it counts", () => {
    assert.includeMembers(
      [...linksOf(overview)],
      [
        "/items?status=failed",
        "/items?status=failed&code=host_returned_error&detail=bad_gateway&actor=site+owner&because=retries",
        "/jobs/0a0c?status=failed"
      ]
    )
  })

  it("says until when a page waits, and why", () => {
    const text = textOf(elements(overview, "main")[0]!)
    assert.include(text, "in 41 s 14:04:03")
    assert.include(text, "the site said when to come back (Retry-After)")
    assert.include(text, "its owner asked us to stop")
  })

  it("says what to do where nothing has been crawled", () => {
    assert.include(textsOf(emptyViews["overview"]!, "pre")[0], "/v1/crawl")
  })
})

describe("a list that is cut", () => {
  it("leads to the rest of a job's hosts, which lead to theirs", () => {
    const all = `/hosts?job=${jobView.job.id}&after=cursor`
    assert.notInclude(linksOf(jobView), all)
    assert.include(linksOf({ ...jobView, moreHosts: "cursor" }), all)
    const hosts = { view: "hosts", hosts: jobView.hosts, after: "cursor", job: jobView.job.id } as const
    assert.includeMembers([...linksOf(hosts)], [all, `/jobs/${jobView.job.id}`])
  })

  it("says where earlier actions are", () => {
    const said = (view: View) => textOf(elements(view, "main")[0]!).includes("Earlier actions are in the log.")
    const actions = Array.from({ length: 20 }, () => overview.actions[0]!)
    assert.deepStrictEqual([said(overview), said({ ...overview, actions, isActionLeft: true })], [false, true])
  })
})

describe("a time line", () => {
  const story: ItemLine["story"] = [
    {
      at: now - 60_000,
      ms: 500,
      end: "failed",
      code: "host_returned_error",
      detail: "unavailable",
      status: 503,
      wait: { ms: 90_000, why: "retry_after" }
    }
  ]
  const many = Array.from({ length: 250 }, (_, index) => ({
    ...items[0]!,
    id: `i${index}`,
    story,
    nextAt: now + 30_000
  }))

  it("draws so many pages at most, and says how many more there are", () => {
    const view = { ...jobView, stories: many }
    assert.strictEqual(elements(view, "svg").filter((svg) => attribute(svg, "role") === "img").length, 200 + 2)
    assert.include(textOf(elements(view, "main")[0]!), "50 pages more are not drawn.")
    const first = { ...view, stories: many.slice(0, 100), untold: 23 }
    assert.include(textOf(elements(first, "main")[0]!), "23 pages more are not drawn.")
  })

  it("says the same in words", () => {
    const view = { ...jobView, stories: many.slice(0, 1) }
    const label = elements(view, "svg")
      .map((svg) => attribute(svg, "aria-label"))
      .find((text) => text?.startsWith("14:"))
    assert.strictEqual(
      label,
      "14:02:22 failed unavailable 503 after 500 ms, waits 1 min 30 s: the site said when to come back (Retry-After)"
    )
  })

  it("keeps every mark within the picture, however far ahead an attempt is planned", () => {
    const view = { ...jobView, stories: [{ ...many[0]!, nextAt: now + 30 * 86_400_000 }] }
    for (const svg of elements(view, "svg")) {
      const x = Number.parseFloat(attribute(svg, "x") ?? "0")
      assert.isAtLeast(x, 0)
      assert.isAtMost(x, 100)
    }
  })
})

describe("a text of strangers", () => {
  const assertHarmless = (text: string) => {
    for (const [name, view] of Object.entries(views)) {
      const usual = elements(view, "script").length
      const found = elementsOf(rendered(withText(view, text)))
      assert.strictEqual(found.filter(({ tagName }) => tagName === "script").length, usual, name)
      assert.isFalse(found.some(({ tagName }) => ["iframe", "object", "embed", "base", "style"].includes(tagName)))
      for (const element of found)
        for (const attr of element.attrs) {
          assert.notMatch(attr.name, /^on|^style$|^srcdoc$/)
          if (attr.name === "href" || attr.name === "action")
            assert.match(attr.value, /^(\/(?!\/)|#|https?:|data:image)/)
        }
    }
  }

  const hostile = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    `"><img src=x onerror=alert(1)>`,
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/",
    "https://example.com/</title><svg onload=alert(1)>",
    "</style><style>*{display:none}</style>",
    "&lt;script&gt;",
    "__proto__",
    "constructor",
    "\u0000\u202Etxt.exe\uD800"
  ]
  for (const text of hostile) it(`is a text: ${JSON.stringify(text)}`, () => assertHarmless(text))

  it.prop("never becomes markup", { text: Schema.String }, ({ text }) => assertHarmless(text), {
    arbitrary: { runs: 15 }
  })

  it("shows what nobody would see", () => {
    assert.strictEqual(Words.visible("a\u202Eb\u0000c\td\uD800"), "a⟨U+202E⟩b⟨U+0000⟩c d⟨U+D800⟩")
    const title = textsOf(
      { ...views["items"], list: { filter: {}, items: [{ ...items[0]!, title: "\u202Egnp.exe" }] } } as View,
      "bdi"
    )
    assert.include(title, "⟨U+202E⟩gnp.exe")
  })

  it("is cut in the middle if it is long, with the whole beside it", () => {
    const url = `https://example.com/${"a".repeat(500)}/end.html`
    const [page] = elements({ ...views["items"], list: { filter: {}, items: [{ ...items[0]!, url }] } } as View, "bdi")
    assert.strictEqual(attribute(page!, "title"), url)
    assert.match(textOf(page!), /^https:\/\/example\.com\/a+…a+\/end\.html$/)
  })
})

describe("a filter", () => {
  it.prop("comes back from its query as it was", { filter: Filter.Filter }, ({ filter }) => {
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value.isWellFormed() && value !== ""))
    assert.deepStrictEqual(Filter.fromQuery(new URLSearchParams(Filter.toQuery(given))), given)
  })

  it("has no field that is unknown or empty, and no status or time that does not exist", () => {
    for (const next of ["", "1", "0m", "1y", "-1h", "over-", "10000m", "1h "])
      assert.deepStrictEqual(Filter.fromQuery(new URLSearchParams({ next })), {}, next)
    const query = new URLSearchParams("host=&status=lost&after=x&code=internal_error&__proto__=1")
    assert.deepStrictEqual(Filter.fromQuery(query), { code: "internal_error" })
  })

  it("says in words which pages it has", () => {
    assert.strictEqual(Filter.inWords({}), "pages")
    assert.strictEqual(
      Filter.inWords({ status: "failed", host: "example.com", code: "host_returned_error", actor: "site owner" }),
      "failed pages of host example.com with code host_returned_error, to be acted on by the site owner"
    )
    const waiting = { host: "example.com", next: "10m" }
    assert.strictEqual(Filter.inWords(waiting), "pages of host example.com whose next attempt comes within 10 min")
    assert.strictEqual(Filter.inWords({ next: "over-1d" }, "page"), "page whose next attempt comes in more than 1 d")
  })
})

describe("a list of pages that wait", () => {
  const listOf = (filter: Filter.Filter): View => {
    const { waiting } = overview
    return { view: "items", list: { filter, items: waiting, count: waiting.length }, failures: [] }
  }
  const chosen = (filter: Filter.Filter) =>
    elements(listOf(filter), "option")
      .filter((option) => attribute(option, "selected") !== undefined)
      .map(textOf)
  const actions = (filter: Filter.Filter) => linksOf(listOf(filter)).filter((link) => link.startsWith("/plan"))

  it("has the time that is asked for among those to choose", () => {
    assert.deepStrictEqual(chosen({ next: "10m" }), ["any", "any", "any", "within 10 min"])
    assert.deepStrictEqual(chosen({ next: "over-90m" }), ["any", "any", "any", "in more than 90 min"])
  })

  it("has only actions that are about such pages", () => {
    assert.lengthOf(actions({}), 3)
    assert.deepStrictEqual(actions({ next: "1h" }), [])
    const filter = { host: "example.com", next: "1h" }
    assert.deepStrictEqual(actions(filter), ["/plan?action=pause&host=example.com&next=1h"])
  })
})

describe("numbers and times in words", () => {
  it("have what a person reads, and no more", () => {
    assert.deepStrictEqual(
      [Words.money(1_204_500_000), Words.money(2000), Words.money(26_000), Words.money(0), Words.number(1234567)],
      ["$1,204.50", "$0.002", "$0.026", "$0.00", "1,234,567"]
    )
    assert.deepStrictEqual(
      [0, 900, 61_000, 3_600_000, 90_061_000].map((ms) => Words.duration(ms)),
      ["0 s", "1 s", "1 min 1 s", "1 h", "1 d 1 h"]
    )
    assert.deepStrictEqual([Words.duration(900, true), Words.duration(1500, true)], ["900 ms", "1.5 s"])
  })
})

describe("the form of a payment", () => {
  it("takes up stopped pages unless that is not wanted, also where the job has not stopped yet", () => {
    const boxes = elements(views["accounts"]!, "input").filter((input) => attribute(input, "name") === "again")
    assert.deepStrictEqual(
      boxes.map((box) => attribute(box, "checked")),
      ["", ""]
    )
  })
})

describe("what a browser gets", () => {
  it("is 40 kB at most, the page included", () => {
    const sizes = [...assets.byPath.values()].map(({ gzip }) => gzip.length)
    const total = sizes.reduce((sum, size) => sum + size, gzipSync(rendered(overview)).length)
    assert.isAtMost(total, 40_000)
  })

  it("are modules that import each other and nothing else", () => {
    for (const [path, { body }] of assets.byPath)
      for (const [, wanted] of body.matchAll(/^(?:import|export)\b[^"=]*"([^"]+)"/gm))
        assert.isTrue(assets.byPath.has(new URL(wanted!, `http://page${path}`).pathname), `${path} imports ${wanted}`)
  })

  it("asks no other host", () => {
    for (const { body } of assets.byPath.values())
      assert.notMatch(body, /(?:src|href|url|import)\s*[=(]\s*["']?https?:/)
    assert.notMatch(Render.contentSecurityPolicy, /https?:|\*|unsafe/)
  })
})
