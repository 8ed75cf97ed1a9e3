/**
 * What a page is reduced to: its title, its links, and its text as Markdown.
 */
import type { Element, Nodes } from "hast"
import { fromHtml } from "hast-util-from-html"
import { toMdast } from "hast-util-to-mdast"
import { toString } from "hast-util-to-string"
import { gfmToMarkdown } from "mdast-util-gfm"
import { toMarkdown } from "mdast-util-to-markdown"
import { visit } from "unist-util-visit"

/** A page's content. Links are absolute, in the order of the page, each once. */
export interface Content {
  readonly title: string
  readonly links: ReadonlyArray<string>
  readonly markdown: string
}

/** The content of an HTML page at a URL. A page that is not well-formed is read as browsers read it. */
export const fromPage = (html: string, url: string): Content => {
  const tree = fromHtml(html)
  const links = absolute(tree, baseOf(tree, url))
  return {
    title: titleOf(tree),
    links: [...new Set(links)],
    markdown: toMarkdown(toMdast(tree), { extensions: [gfmToMarkdown()] })
  }
}

const find = (tree: Nodes, tagName: string): Element | undefined => {
  let found: Element | undefined
  visit(tree, { type: "element", tagName }, (element) => {
    found ??= element
  })
  return found
}

const titleOf = (tree: Nodes): string => {
  const title = find(tree, "title")
  return title === undefined ? "" : toString(title).trim()
}

/** The URL that the page's links start from. Its element loses its say, so that nobody resolves against it once more. */
const baseOf = (tree: Nodes, url: string): string => {
  const base = find(tree, "base")
  const href = base?.properties.href
  if (base !== undefined) base.properties = {}
  return (typeof href === "string" && resolve(href, url)) || url
}

/** Makes what the page refers to absolute, so that its text can be read elsewhere; gives its links. */
const absolute = (tree: Nodes, base: string): ReadonlyArray<string> => {
  const links: Array<string> = []
  visit(tree, "element", ({ properties, tagName }) => {
    const name = tagName === "a" ? "href" : "src"
    const reference = properties[name]
    const url = typeof reference === "string" ? resolve(reference, base) : undefined
    if (url === undefined) return
    properties[name] = url
    if (tagName === "a") links.push(url)
  })
  return links
}

const resolve = (reference: string, base: string): string | undefined =>
  URL.canParse(reference, base) ? new URL(reference, base).href : undefined
