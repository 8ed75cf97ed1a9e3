/**
 * What a page is reduced to: its title, its links, and its text as Markdown.
 */
import type { Element, Nodes } from "hast"
import { fromHtml } from "hast-util-from-html"
import { toString } from "hast-util-to-string"
import { visit } from "unist-util-visit"
import * as Markdown from "./Markdown.ts"

/** A page's content. Links are absolute http and https URLs without fragments, in the order of the page, each once. */
export interface Content {
  readonly title: string
  readonly links: ReadonlyArray<string>
  readonly markdown: string
}

/** The most characters of a page's Markdown: eight times its HTML, and 16 KiB. The parts of a hostile page that would grow beyond lose their structure. */
const mostOf = (html: string): number => 8 * html.length + 16 * 1024

/** The most links of a page. */
const mostLinks = 10_000

/** The most characters of a link: servers refuse longer ones. */
const mostUrl = 8190

/** The content of an HTML page at a URL. A page that is not well-formed is read as browsers read it. */
export const fromPage = (html: string, url: string): Content => {
  const tree = fromHtml(html)
  const base = baseOf(tree, url)
  const links = linksOf(tree, base)
  // The other half is for the text.
  makeAbsolute(tree, base, mostOf(html) / 2)
  return { title: titleOf(tree), links, markdown: Markdown.fromTree(tree, mostOf(html)) }
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

/** The URL that the page's links start from; one that is too long to be a link counts as missing. Clears `<base>` so that links are not resolved twice. */
const baseOf = (tree: Nodes, url: string): string => {
  const base = find(tree, "base")
  const href = base?.properties.href
  if (base !== undefined) base.properties = {}
  const resolved = typeof href === "string" ? resolve(href, url) : undefined
  return resolved === undefined || resolved.length > mostUrl ? url : resolved
}

/** Where the page leads. Fragments do not count: they are places of a page. */
const linksOf = (tree: Nodes, base: string): ReadonlyArray<string> => {
  const links = new Set<string>()
  const seen = new Set<string>()
  visit(tree, { type: "element", tagName: "a" }, ({ properties: { href } }) => {
    const [reference] = typeof href === "string" ? href.split("#", 1) : []
    if (reference === undefined || links.size === mostLinks || seen.has(reference)) return
    seen.add(reference)
    const url = resolve(reference, base)
    if (url !== undefined && url.length <= mostUrl && /^https?:/.test(url)) links.add(url)
  })
  return [...links]
}

/**
 * Makes what the page refers to absolute, so that its text can be read elsewhere. Once they have grown by `most` characters, as only a long
 * base in front of very many references makes them, references stay as they are; those to places of the page itself come last.
 */
const makeAbsolute = (tree: Nodes, base: string, most: number): void => {
  let room = most
  const places: Array<() => void> = []
  visit(tree, "element", ({ properties, tagName }) => {
    const name = tagName === "a" ? "href" : "src"
    const reference = properties[name]
    if (typeof reference !== "string") return
    const replace = () => {
      const url = room > 0 ? resolve(reference, base) : undefined
      if (url === undefined) return
      room -= Math.max(0, url.length - reference.length)
      if (room >= 0) properties[name] = url
    }
    if (reference.startsWith("#")) places.push(replace)
    else replace()
  })
  for (const replace of places) replace()
}

const resolve = (reference: string, base: string): string | undefined =>
  URL.canParse(reference, base) ? new URL(reference, base).href : undefined
