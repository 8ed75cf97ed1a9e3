import { assert, describe, it } from "@effect/vitest"
import * as Extract from "../src/page/Extract.ts"

const page = (html: string) => Extract.fromPage(html, "https://example.com/a/b?c=d")

describe("a page's content", () => {
  it("has the title, the text as Markdown, and absolute links in order, each once", () => {
    const { links, markdown, title } = page(
      `<title> Home &amp; more </title><h1>Hi</h1><p>See <a href="/x">x</a>, <a href="y?z=1#part">y</a> and <a href="/x">x</a>.</p>`
    )
    assert.strictEqual(title, "Home & more")
    assert.strictEqual(
      markdown,
      "# Hi\n\nSee [x](https://example.com/x), [y](https://example.com/a/y?z=1#part) and [x](https://example.com/x).\n"
    )
    assert.deepStrictEqual(links, ["https://example.com/x", "https://example.com/a/y?z=1"])
  })

  it("resolves links against the page's base", () => {
    const { links, markdown } = page(`<base href="/docs/"><a href="a">a</a> <img src="b.png">`)
    assert.deepStrictEqual(links, ["https://example.com/docs/a"])
    assert.strictEqual(markdown, "[a](https://example.com/docs/a) ![](https://example.com/docs/b.png)\n")
  })

  it("leaves out links that are no URLs", () => {
    assert.deepStrictEqual(page(`<a href="http://[">bad</a><a>none</a><a href="">self</a>`).links, [
      "https://example.com/a/b?c=d"
    ])
  })

  it("is read as browsers read it where the page is broken", () => {
    const { links, title } = page(`<a href=/one><title>T</title><table><a href='/two'`)
    assert.strictEqual(title, "T")
    assert.deepStrictEqual(links, ["https://example.com/one"])
  })

  it("keeps tables, and letters of any script", () => {
    const { markdown } = page("<table><tr><th>名前</th></tr><tr><td>žluť 🦊</td></tr></table>")
    assert.strictEqual(markdown, "| 名前 |\n| - |\n| žluť 🦊 |\n")
  })

  it("of an empty page is empty", () => {
    assert.deepStrictEqual(page(""), { title: "", links: [], markdown: "" })
  })
})

/** What Markdown may be of a page: eight times as long, and 16 KiB. */
const boundOf = (html: string) => 8 * html.length + 16 * 1024

describe("the Markdown of a hostile page is bounded by the page", () => {
  const long = "long".repeat(1000)
  const pages: ReadonlyArray<readonly [what: string, html: string]> = [
    ["many rows and one wide cell", `<table>${"<tr><td>a".repeat(20_000)}<tr><td>${"w".repeat(10_000)}</table>`],
    ["many rows and one long one", `<table><tr>${"<td>".repeat(20_000)}${"<tr>".repeat(20_000)}</table>`],
    ["cells that span a thousand columns", `<table>${"<tr><td colspan=1000>a".repeat(2000)}</table>`],
    ["a cell that spans a billion columns", `<table><tr><td colspan=1000000000 rowspan=65534>a</table>`],
    ["columns that reach into one another", `<table><tr>${"<td rowspan=999>".repeat(999)}${"<tr><td>".repeat(999)}`],
    ["a table in a table", `${"<table><tr><td colspan=99>".repeat(100)}a`],
    ["nested lists", "<ul><li>a".repeat(300)],
    ["nested lists with long numbers", "<ol start=999999999><li>a".repeat(200)],
    ["nested definitions", "<dl><dt>a<dd>".repeat(150)],
    ["nested quotes", "<blockquote>a".repeat(400)],
    ["code within nested lists", `${"<ul><li>".repeat(60)}<pre>${"a\n".repeat(10_000)}</pre>`],
    ["lines within nested quotes", `${"<blockquote>".repeat(100)}${"a<br>".repeat(5000)}`],
    ["a long base and many links", `<base href="https://example.com/${long}/">${"<a href=a>a</a>".repeat(2000)}`],
    ["a long base and many images", `<base href="https://example.com/${long}/">${"<img src=a>".repeat(2000)}`],
    ["a link around many paragraphs", `<a href="/${long}">${"<p>a".repeat(3000)}`],
    ["deletions around one another", `${"<del>".repeat(300)}${"<p>a".repeat(300)}`],
    [
      "inputs that share a list",
      `<datalist id=d>${"<option selected>a".repeat(500)}</datalist>${"<input list=d multiple>".repeat(500)}`
    ],
    ["letters that must be escaped", `<p>${"*_`[<|\\".repeat(2000)}<table><tr><td>${"|".repeat(5000)}<br>`],
    ["fences", `<pre>${"`".repeat(20_000)}</pre>`]
  ]
  for (const [what, html] of pages) {
    it(`of ${what}`, () => {
      const { links, markdown } = page(html)
      assert.isAtMost(markdown.length, boundOf(html))
      assert.isAtMost(links.length, 10_000)
      for (const link of links) assert.isAtMost(link.length, 8190)
    }, 20_000)
  }

  it("and its links by number and by length", () => {
    const many = Array.from({ length: 10_001 }, (_, n) => `<p><a href=/${n}></a>`).join("")
    assert.strictEqual(page(many).links.length, 10_000)
    const { links } = page(
      `<a href="/${"a".repeat(9000)}">long</a><a href="mailto:a@example.com">mail</a><a href="/b">b</a>`
    )
    assert.deepStrictEqual(links, ["https://example.com/b"])
    const { links: based } = page(`<base href="/${"a".repeat(9000)}/"><a href="b">b</a>`)
    assert.deepStrictEqual(based, ["https://example.com/a/b"])
  })

  it("whatever it is made of", () => {
    const one = <A>(of: ReadonlyArray<A>): A => of[Math.floor(Math.random() * of.length)] as A
    const starts =
      "ul ol li dl dt dd blockquote table tr td th a del s b em q p div h1 pre code br hr img input select video".split(
        " "
      )
    const attributes = [
      "",
      " colspan=300",
      " rowspan=300",
      " start=123456789",
      ` href=${long}`,
      " href=a src=a",
      " title=a"
    ]
    const texts = ["a", "*", "|", "\n", "<br>", "`", "a b", "\n1. a"]
    for (let n = 0; n < 60; n++) {
      const piece = (): string =>
        Math.random() < 0.7 ? `<${one(starts)}${one(attributes)}>` : one(texts).repeat(Math.random() * 40)
      // A repeated piece is what multiplies.
      const html = Array.from({ length: 5 }, () =>
        Array.from({ length: 4 }, piece)
          .join("")
          .repeat(Math.random() * 20)
      ).join("")
      assert.isAtMost(page(html).markdown.length, boundOf(html), html)
    }
  }, 30_000)
})

describe("a page that is no attack keeps its structure", () => {
  it("spans leave the cells that they cover empty", () => {
    const { markdown } = page("<table><tr><th colspan=2>a</th></tr><tr><td>b</td><td>c</td></tr></table>")
    assert.strictEqual(markdown, "| a | |\n| - | - |\n| b | c |\n")
  })

  it("a cell that spans more than there is does not widen a large table", () => {
    const rows = "<tr><td>b</td><td>c</td></tr>".repeat(200)
    const { markdown } = page(`<table><tr><th colspan=1000>a</th></tr>${rows}</table>`)
    assert.isTrue(markdown.startsWith("| a | |\n| - | - |\n| b | c |\n"))
  })

  it("lists in lists are indented", () => {
    const { markdown } = page("<ul><li>a<ul><li>b<ol start=9><li>c</ol></ul></ul>")
    assert.strictEqual(markdown, "* a\n  * b\n\n    9. c\n")
  })

  it("a page that is too deep keeps its text", () => {
    const { markdown } = page(`${"<ul><li>a".repeat(300)}<pre>${"b\n".repeat(3000)}</pre>`)
    assert.strictEqual(markdown.match(/a/g)?.length, 300)
    assert.strictEqual(markdown.match(/b/g)?.length, 3000)
  })

  const articles = Array.from(
    { length: 20 },
    (_, n) => `<h2>Headline ${n}</h2><p>Text. <a href="/story/${n}">More</a></p><ul><li>one</li></ul>`
  ).join("")

  const structureOf = (markdown: string) => [/^## /gm, /\]\(https/g, /^\* /gm].map((of) => markdown.match(of)?.length)

  for (const depth of [1, 8, 40]) {
    it(`where a table stands in a table, ${depth} deep`, () => {
      const footer = `${"<table><tr><td>".repeat(depth)}${"text ".repeat(80)}${"</td></tr></table>".repeat(depth)}`
      assert.deepStrictEqual(structureOf(page(`<h1>News</h1>${articles}${footer}`).markdown), [20, 20, 20])
    })
  }

  it("where divisions and bold text begin one another, 20 deep", () => {
    const deep = `${"<b><div>".repeat(20)}text${"</div></b>".repeat(20)}`
    assert.deepStrictEqual(structureOf(page(articles + deep).markdown), [20, 20, 20])
  })

  const long = "long".repeat(1000)
  const huge: ReadonlyArray<readonly [what: string, html: string]> = [
    ["lists", "<ul><li>a".repeat(300) + "</ul>".repeat(300)],
    ["a table", `<table><tr>${"<td>".repeat(2000)}${"<tr><td>a".repeat(2000)}</table>`],
    ["a link", `<a href="/${long}">${"<p>a".repeat(3000)}</a>`],
    ["bold text", `${"<b>x<div>".repeat(20)}text${"</div></b>".repeat(20)}`],
    ["code", `${"<blockquote>".repeat(60)}<pre>${"a\n".repeat(5000)}</pre>${"</blockquote>".repeat(60)}`]
  ]
  for (const [what, html] of huge) {
    it(`around ${what} that would grow beyond all bounds`, () => {
      const [headings, , lists] = structureOf(page(articles + html + articles).markdown)
      assert.strictEqual(headings, 40)
      assert.isAtLeast(lists ?? 0, 40)
      assert.include(page(articles + html + articles).markdown, "[More](https://example.com/story/19)")
    })
  }

  it("a table whose rows are a cell each over all columns is a table", () => {
    const head = Array.from({ length: 30 }, (_, n) => `<th>S${n}</th>`).join("")
    const rows = Array.from({ length: 100 }, (_, n) => `<tr><td colspan=30>Section ${n}</td></tr>`).join("")
    const { markdown } = page(`<table><tr>${head}</tr>${rows}</table>`)
    const lines = markdown.trimEnd().split("\n")
    assert.isTrue(lines[0]?.startsWith("| S0 | S1 |"))
    assert.strictEqual(lines.length, 102)
    assert.isTrue(lines[101]?.startsWith("| Section 99 | "))
  })

  it("links to places of a page with a long URL leave room for all others", () => {
    const url = `https://example.com/search?q=${"a".repeat(400)}`
    const places = Array.from({ length: 400 }, (_, n) => `<li><a href="#s${n}">S${n}</a></li>`).join("")
    const pages = Array.from({ length: 30 }, (_, n) => `<a href="/page/${n}">p</a>`).join(" ")
    const { links, markdown } = Extract.fromPage(`<ul>${places}</ul>${pages}`, url)
    assert.deepStrictEqual(links, [url, ...Array.from({ length: 30 }, (_, n) => `https://example.com/page/${n}`)])
    assert.include(markdown, `* [S0](${url}#s0)`)
    assert.include(markdown, "* [S399](#s399)")
    assert.include(markdown, "[p](https://example.com/page/29)")
  })
})
