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
    assert.deepStrictEqual(links, ["https://example.com/x", "https://example.com/a/y?z=1#part"])
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
    assert.strictEqual(markdown, "| 名前      |\n| ------- |\n| žluť 🦊 |\n")
  })

  it("of an empty page is empty", () => {
    assert.deepStrictEqual(page(""), { title: "", links: [], markdown: "" })
  })
})
