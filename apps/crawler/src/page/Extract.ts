/**
 * What a page is reduced to: its title, its links, and its text as Markdown.
 */
import type { Element, Properties, Root } from "hast"
import { toString } from "hast-util-to-string"
import { mostUrl, tooLarge } from "./Bounds.ts"
import * as Cleaned from "./Cleaned.ts"
import * as Markdown from "./Markdown.ts"
import * as Tree from "./Tree.ts"

/** A page's content. Links are absolute http and https URLs without fragments, in the order of the page, each once. */
export interface Content {
  readonly title: string
  readonly links: ReadonlyArray<string>
  /** Its text as Markdown; empty if that was not asked for. */
  readonly markdown: string
  /** Its HTML without programs, styles, comments and navigation; empty if that was not asked for. */
  readonly cleaned: string
}

/** What is made of a page. */
export interface Options {
  /** Whether its Markdown is. Default: true. */
  readonly markdown?: boolean | undefined
  /** Whether its cleaned HTML is. Default: false. */
  readonly cleaned?: boolean | undefined
  /** Whether both have the main part of the page only. Its links are those of the whole page. Default: false. */
  readonly mainOnly?: boolean | undefined
}

/** The most characters of a page's Markdown: eight times its HTML, and 16 KiB. The parts of a hostile page that would grow beyond lose their structure. */
const mostOf = (html: string): number => 8 * html.length + 16 * 1024

/** The most links of a page. */
const mostLinks = 10_000

/**
 * The content of a page at a URL, by its media type. HTML that is not well-formed is read as browsers read it. Any type but HTML and XHTML is
 * plain text, which has no title and no links; its Markdown and its cleaned text are itself.
 */
export const fromPage = (text: string, url: string, type = "text/html", options: Options = {}): Content => {
  const { cleaned = false, mainOnly = false, markdown = true } = options
  if (!isMarkup(type)) return { title: "", links: [], markdown: markdown ? text : "", cleaned: cleaned ? text : "" }
  const tree = type === "text/html" ? Tree.fromHtml(text) : Tree.fromXhtml(text)
  const title = titleOf(tree)
  const elements = elementsOf(tree)
  const base = baseOf(elements, url)
  const links = linksOf(elements, base)
  // The other half is for the text.
  makeAbsolute(elements, base, mostOf(text) / 2)
  if (mainOnly) Cleaned.keepMain(tree)
  // Each of the two changes the tree.
  const html = cleaned ? Cleaned.fromTree(markdown ? structuredClone(tree) : tree) : ""
  if (html.length > mostOf(text)) throw new Error(tooLarge)
  return { title, links, markdown: markdown ? Markdown.fromTree(tree, mostOf(text)) : "", cleaned: html }
}

const isMarkup = (type: string): boolean => type === "text/html" || type === "application/xhtml+xml"

/** All elements of a tree, in the order of the page. */
const elementsOf = (tree: Root): ReadonlyArray<Element> => {
  const elements: Array<Element> = []
  const walk = (node: Root | Element): void => {
    for (const child of node.children) {
      if (child.type !== "element") continue
      elements.push(child)
      walk(child)
    }
  }
  walk(tree)
  return elements
}

/** The page's title, in one line; pictures within the page have titles of their own. */
const titleOf = (tree: Root): string => {
  const title = find(tree)
  if (title === undefined) return ""
  return toString(title)
    .replace(/[\t\n\f\r ]+/g, " ")
    .trim()
}

/** The first title that belongs to no picture. */
const find = (node: Root | Element): Element | undefined => {
  for (const child of node.children) {
    if (child.type !== "element" || child.tagName === "svg") continue
    const title = child.tagName === "title" ? child : find(child)
    if (title !== undefined) return title
  }
  return undefined
}

type Elements = ReadonlyArray<Element>

/** The URL that the page's links start from: the first `<base>` with an address. One that is too long to be a link counts as missing. */
const baseOf = (elements: Elements, url: string): string => {
  const bases = elements.filter(({ tagName }) => tagName === "base")
  const href = bases.find(({ properties }) => typeof properties.href === "string")?.properties.href
  // Links that were made absolute must not be resolved once more.
  for (const element of bases) element.properties = {}
  const resolved = typeof href === "string" && !isUnsafe(href) ? resolve(href, url) : undefined
  return resolved === undefined || resolved.length > mostUrl ? url : resolved
}

/** Where the page leads: links, areas of its image maps, frames, and where it sends its reader on. Fragments do not count: they are places of a page. */
const linksOf = (elements: Elements, base: string): ReadonlyArray<string> => {
  const links = new Set<string>()
  const seen = new Set<string>()
  for (const element of elements) {
    const [reference] = referenceOf(element)?.split("#", 1) ?? []
    if (reference === undefined || links.size === mostLinks || seen.has(reference)) continue
    seen.add(reference)
    const url = resolve(reference, base)
    if (url !== undefined && url.length <= mostUrl && /^https?:/.test(url)) links.add(url)
  }
  return [...links]
}

const referenceOf = ({ properties, tagName }: Element): string | undefined => {
  const value = tagName === "meta" ? refreshOf(properties) : properties[addresses.get(tagName) ?? ""]
  return typeof value === "string" ? value : undefined
}

/** The elements that lead to pages, and their attribute. */
const addresses: ReadonlyMap<string, string> = new Map([
  ["a", "href"],
  ["area", "href"],
  ["frame", "src"],
  ["iframe", "src"]
])

/** The address of `<meta http-equiv="refresh" content="5; url=address">`, as browsers read it. One without an address loads the page again. */
const refreshOf = ({ content, httpEquiv }: Properties): string | undefined => {
  if (!/^refresh$/i.test(String(httpEquiv)) || typeof content !== "string") return undefined
  const [, address] = /^\s*(?:\d+(?:\.[\d.]*)?|\.[\d.]*)\s*[;,\s]\s*(?:url\s*=\s*)?(.*)$/is.exec(content) ?? []
  if (address === undefined || address.trim() === "") return undefined
  const quote = address[0]
  return quote === '"' || quote === "'" ? address.slice(1).split(quote, 1)[0] : address
}

/**
 * Makes what the page refers to absolute, so that its text can be read elsewhere. Once they have grown by `most` characters, as only a long
 * base in front of very many references makes them, references stay as they are; those to places of the page itself come last. References
 * that would run a program where the text is shown, and files that are written into the page, are taken away.
 */
const makeAbsolute = (elements: Elements, base: string, most: number): void => {
  let room = most
  const places: Array<() => void> = []
  for (const { properties, tagName } of elements) {
    // Scripts put a picture in the place of a small one that is written into the page.
    if (tagName === "img" && isUnsafe(properties.src) && typeof properties.dataSrc === "string") {
      properties.src = properties.dataSrc
    }
    for (const name of referring) {
      const reference = properties[name]
      if (typeof reference !== "string") continue
      if (isUnsafe(reference)) {
        delete properties[name]
        continue
      }
      const replace = () => {
        const url = room > 0 ? resolve(reference, base) : undefined
        if (url === undefined) return
        room -= Math.max(0, url.length - reference.length)
        if (room >= 0) properties[name] = url
      }
      if (reference.startsWith("#")) places.push(replace)
      else replace()
    }
  }
  for (const replace of places) replace()
}

/** The attributes whose addresses are written. */
const referring = ["href", "src", "poster"] as const

/** Browsers pass over spaces and control characters in a scheme. */
const isUnsafe = (reference: unknown): boolean =>
  // oxlint-disable-next-line no-control-regex
  /^(javascript|vbscript|data):/i.test(
    String(reference)
      .slice(0, 256)
      .replace(/[\0-\x20]/g, "")
  )

const resolve = (reference: string, base: string): string | undefined => URL.parse(reference, base)?.href
