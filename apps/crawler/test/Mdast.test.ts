import { assert, describe, it } from "@effect/vitest"
import type { Root } from "hast"
import { toMdast } from "hast-util-to-mdast"
import { gfmToMarkdown } from "mdast-util-gfm"
import { toMarkdown } from "mdast-util-to-markdown"
import * as Escape from "../src/page/Escape.ts"
import * as Mdast from "../src/page/Mdast.ts"
import * as Shape from "../src/page/Shape.ts"
import * as Tree from "../src/page/Tree.ts"
import * as Whitespace from "../src/page/Whitespace.ts"

const extensions = [gfmToMarkdown({ tablePipeAlign: false })]

const shaped = (html: string): Root => {
  const tree = Tree.fromHtml(html)
  Shape.shape(tree)
  return tree
}

/** Markdown as the libraries make it by themselves. */
const expected = (html: string): string => {
  const tree = toMdast(shaped(html), {
    handlers: { br: ({ inTable }) => (inTable ? { type: "html", value: "<br>" } : { type: "break" }) }
  })
  return toMarkdown(tree, { extensions })
}

const actual = (html: string): string => {
  const tree = shaped(html)
  Whitespace.minify(tree)
  return toMarkdown(Mdast.fromTree(tree), { extensions, handlers: { root: Escape.root } })
}

/** Numbers from 0 to 1, the same for the same seed. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

const tags = (
  "a abbr audio b blockquote br button caption code dd del details div dl dt em figure form h1 h2 h3 hr i iframe img input ins kbd label " +
  "li main map nobr ol option p pre q s select small span strong sub summary table tbody td textarea th thead tr tt u ul video wbr x-y"
).split(" ")

const attributes = (
  "href=/x|href='#y'|href='/a b(c)'|href=http://127.0.0.1/u|src=z.png|alt=' p q '|title=' t \"u\" '|colspan=2|rowspan=2|nowrap|hidden|" +
  "class='language-js a'|type=checkbox|type=radio checked|type=email|value=' v w'|start=3|align=right|poster=p.png|data-mdast=ignore|selected"
).split("|")

const texts = [
  ..."a| |\n|  b  |c\n d|\t|é|日本|🦊|Hello, world (yes)|$5 & 6%|\r\n|&#13;|&nbsp;|\u200B".split("|"),
  ..."* _x_ __ 1. 2)y -z + # h# >q `t` `` [l] ]( ! ![ &amp;amp; &lt;b> \\ \\* ~ ~~ a|b | :- === --- . ( ) a_b ' \" .x W. ps:/".split(
    " "
  ),
  ..."- z|1. y|2) x|# h|h #|> q|+ w|end. |www.x.y|http://e.f/|m@n.o|http://127.0.0.1/u".split("|")
]

/** A page of elements, attributes and texts that chance puts together. */
const pageOf = (seed: number): string => {
  const next = random(seed)
  const pick = (from: ReadonlyArray<string>) => from[Math.floor(next() * from.length)] ?? ""
  const part = (depth: number): string => {
    if (depth === 0 || next() < 0.45) return pick(texts)
    const tag = pick(tags)
    const attribute = next() < 0.4 ? ` ${pick(attributes)}` : ""
    return `<${tag}${attribute}>${parts(depth - 1)}${next() < 0.93 ? `</${tag}>` : ""}`
  }
  const parts = (depth: number): string =>
    Array.from({ length: 1 + Math.floor(next() * 5) }, () => part(depth)).join("")
  return parts(1 + Math.floor(next() * 5))
}

describe("Markdown is what the libraries make of a page", () => {
  it("of any elements, attributes and texts", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const html = pageOf(seed * 7919)
      assert.strictEqual(actual(html), expected(html), html)
    }
  })
})

describe("a comment", () => {
  it("between rows is no cell, where the libraries make one of it", () => {
    const html = "<table><tr><th>x<tr><td>1<!-- a --></tr><!-- b --><tr><td>2</table>"
    assert.strictEqual(actual(html), "| x |\n| - |\n| 1 |\n| 2 |\n")
  })
})

describe("white space", () => {
  it("that was taken out is put back", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const html = pageOf(seed * 7919)
      const tree = shaped(html)
      Whitespace.minify(tree)()
      assert.deepStrictEqual(tree, shaped(html), html)
    }
  })
})
