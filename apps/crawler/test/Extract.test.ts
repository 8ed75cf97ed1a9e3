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
    assert.deepStrictEqual(page(""), { title: "", links: [], markdown: "", cleaned: "" })
  })
})

describe("the links of a page", () => {
  const cases: ReadonlyArray<readonly [what: string, html: string, links: ReadonlyArray<string>]> = [
    ["areas of an image map", `<map><area href="/x"><area nohref></map>`, ["/x"]],
    ["frames", `<frameset><frame src="/x"><frame src="/y"></frameset>`, ["/x", "/y"]],
    ["frames within the page", `<iframe src="/x"></iframe><iframe src="about:blank"></iframe>`, ["/x"]],
    ["where it sends its reader on", `<meta http-equiv="Refresh" content="0; URL='/x?a=1;b'">`, ["/x?a=1;b"]],
    ["where it sends its reader on, without url=", `<meta http-equiv=refresh content="5, /x">`, ["/x"]],
    ["not the page itself that is loaded again", `<meta http-equiv=refresh content=30>`, []],
    ["not programs", `<a href="javascript:void(0)">a</a><iframe src="java&#10;script:x"></iframe>`, []],
    [
      "by the first base with an address",
      `<base target=_blank><base href="/b/"><base href="/c/"><a href=x>x</a>`,
      ["/b/x"]
    ],
    ["by no base that is a program", `<base href="javascript:/"><a href=x>x</a>`, ["/a/x"]],
    ["those that a page shows without scripts", `<noscript><a href="/x">x</a></noscript>`, ["/x"]]
  ]
  for (const [what, html, links] of cases) {
    it(`are ${what}`, () => {
      assert.deepStrictEqual(
        page(html).links,
        links.map((path) => `https://example.com${path}`)
      )
    })
  }
})

describe("Markdown keeps what a page says", () => {
  const row = (cell: string) => page(`<table><tr><th>A</th><th>B</th></tr><tr><td>${cell}</td><td>z</td></tr></table>`)
  const cells: ReadonlyArray<readonly [what: string, cell: string, text: string]> = [
    ["paragraphs", "<p>1</p><p>2</p>", "1<br>2"],
    ["paragraphs and text around them", "0<p>1</p>2", "0<br>1<br>2"],
    ["divisions in bold text", "<b><div>1</div><div>2</div></b>3", "**1<br>2**<br>3"],
    ["line breaks", "1<br><br>2<br>", "1<br>2"],
    ["a list", "<ul><li>x</li><li>y</li></ul>", "• x<br>• y"],
    ["a list with numbers", "<ol start=9><li>x</li><li>y</li></ol>", "9. x<br>10. y"],
    ["a list in a list", "<ul><li>x<ul><li>y</li></ul></li></ul>", "• x<br>• y"],
    ["code", "<pre>a\n  b\n\nc</pre>", "`a`<br>`b`<br>`c`"],
    ["definitions", "<dl><dt>x</dt><dd>y</dd></dl>", "x<br>y"],
    ["headings and quotes", "<h3>x</h3><blockquote>y</blockquote><hr>", "**x**<br>y"],
    ["a table", "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2<br>3"],
    ["a link in a list", `<ul><li><a href="/x">x</a></li></ul>`, "• [x](https://example.com/x)"]
  ]
  for (const [what, cell, text] of cells) {
    it(`of a cell with ${what}`, () => {
      assert.strictEqual(row(cell).markdown, `| A | B |\n| - | - |\n| ${text} | z |\n`)
    })
  }

  const cases: ReadonlyArray<readonly [what: string, html: string, markdown: string]> = [
    ["of a heading with divisions", "<h2><div>1</div><div>2</div></h2>", "## 1 2\n"],
    ["of a heading with a line break", "<h2>1<br>2</h2>", "## 1 2\n"],
    ["of a summary", "<details><summary><div>1</div><div>2</div></summary>3</details>", "1 2\n\n3\n"],
    ["of emphasis around paragraphs", "<strong><p>1</p><p>2</p></strong>", "1\n\n2\n"],
    ["of emphasis around a list", "<b>a<ul><li>x</ul></b>", "a\n\n* x\n"],
    ["of emphasis in emphasis", "<b>1 <strong>2</strong> <i>3 <em>4</em></i></b>", "**1 2 _3 4_**\n"],
    ["of emphasis that ends with a space", "<b>Note: </b>text", "**Note:** text\n"],
    ["of buttons next to each other", "<button>1</button><button>2</button>", "1 2\n"],
    [
      "of a caption",
      "<table><caption>The <b>c</b></caption><tr><th>x</th></tr></table>",
      "The **c**\n\n| x |\n| - |\n"
    ],
    [
      "of tables that lay a page out",
      "<table><tr><td><h1>x</h1><table><tr><th>1</th></tr></table></td></tr></table>",
      "# x\n\n| 1 |\n| - |\n"
    ],
    ["without comments", "a<!-- b --><p>c<!--[if IE]>d<![endif]--></p>", "a\n\nc\n"],
    [
      "without programs",
      `<a href=" java\nscript:x">a</a> <a href="vbscript:x">b</a> <a href="data:text/html,x">c</a>`,
      "a b c\n"
    ],
    ["without the bytes of pictures", `<img alt=pic src="data:image/png;base64,AA">`, "pic\n"],
    [
      "with a picture that comes later",
      `<img src="data:image/gif;base64,AA" data-src="/x.png">`,
      "![](https://example.com/x.png)\n"
    ],
    ["without links and headings that show nothing", `<h2></h2><a href="#x"><span></span></a><p>a</p>`, "a\n"],
    ["without the address that a place lacks", `<a name="x">a</a>`, "a\n"]
  ]
  for (const [what, html, markdown] of cases) {
    it(`is ${what}`, () => {
      assert.strictEqual(page(html).markdown, markdown)
    })
  }
})

describe("a page by its media type", () => {
  const url = "https://example.com/a"
  it("is itself as plain text, and leads nowhere", () => {
    const text = `one\ntwo\n\n<a href="/x">x</a> * _\n`
    assert.deepStrictEqual(Extract.fromPage(text, url, "text/plain"), {
      title: "",
      links: [],
      markdown: text,
      cleaned: ""
    })
  })

  const xhtml = (body: string) =>
    `<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">` +
    `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title><script src="x.js"/></head><body>${body}</body></html>`

  it("closes elements where XHTML does", () => {
    const { links, markdown, title } = Extract.fromPage(
      xhtml(`<p>a<a id="x"/>&nbsp;<![CDATA[<b>]]></p><div class="y"/><a href="/x?a=1&amp;b=2">x</a>`),
      url,
      "application/xhtml+xml"
    )
    assert.strictEqual(title, "T")
    assert.deepStrictEqual(links, ["https://example.com/x?a=1&b=2"])
    assert.strictEqual(markdown, "a\u00a0\\<b>\n\n[x](https://example.com/x?a=1\\&b=2)\n")
  })

  it("is read as HTML where XHTML is not well-formed", () => {
    const { links, title } = Extract.fromPage(
      xhtml("<p>a<br><a href='/x'>x").replace('<script src="x.js"/>', ""),
      url,
      "application/xhtml+xml"
    )
    assert.strictEqual(title, "T")
    assert.deepStrictEqual(links, ["https://example.com/x"])
  })

  it("has the title of the page, not that of a picture", () => {
    assert.strictEqual(page("<svg><title>S</title></svg><title>a\n  b</title>").title, "a b")
  })

  for (const [name, html] of [
    ["divisions", "<div>".repeat(20_000)],
    ["lists", "<ul><li>a".repeat(20_000)],
    ["emphasis", "<b><i>".repeat(2000)],
    ["spans", "<span>".repeat(20_000)]
  ] as const) {
    it(`keeps its text within ${name}, however deep`, () => {
      assert.include(page(`${html}deep`).markdown, "deep")
      const deep = xhtml(`${"<div>".repeat(1000)}deep${"</div>".repeat(1000)}`)
      assert.include(Extract.fromPage(deep, url, "application/xhtml+xml").markdown, "deep")
    }, 20_000)
  }
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
