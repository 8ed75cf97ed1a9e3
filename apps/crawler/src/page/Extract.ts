/**
 * What a page is reduced to: its title, its links, and its text as Markdown.
 */
import type { Element, Nodes } from "hast"
import { fromHtml } from "hast-util-from-html"
import { toString } from "hast-util-to-string"
import { visit } from "unist-util-visit"
import * as Markdown from "./Markdown.ts"

/** A page's content. Links are absolute, in the order of the page, each once. */
export interface Content {
  readonly title: string
  readonly links: ReadonlyArray<string>
  readonly markdown: string
}

/**
 * The most characters of a page's Markdown, and of all its links together: eight times its HTML plus 16 KiB. No honest page comes near
 * this limit. A hostile one loses its structure and the links beyond the limit.
 */
const mostOf = (html: string): number => 8 * html.length + 16 * 1024

/** The content of an HTML page at a URL. A page that is not well-formed is read as browsers read it. */
export const fromPage = (html: string, url: string): Content => {
  const tree = fromHtml(html)
  const links = absolute(tree, baseOf(tree, url), mostOf(html))
  return { title: titleOf(tree), links: [...new Set(links)], markdown: Markdown.fromTree(tree, mostOf(html)) }
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

/**
 * Makes the page's references absolute, so that its text can be read elsewhere, and returns its links. Beyond `most` characters, which
 * takes a long base and very many references, no reference is resolved.
 */
const absolute = (tree: Nodes, base: string, most: number): ReadonlyArray<string> => {
  const links: Array<string> = []
  let room = most
  visit(tree, "element", ({ properties, tagName }) => {
    const name = tagName === "a" ? "href" : "src"
    const reference = properties[name]
    const url = typeof reference === "string" && room > 0 ? resolve(reference, base) : undefined
    if (url === undefined || (room -= url.length) < 0) return
    properties[name] = url
    if (tagName === "a") links.push(url)
  })
  return links
}

const resolve = (reference: string, base: string): string | undefined =>
  URL.canParse(reference, base) ? new URL(reference, base).href : undefined
