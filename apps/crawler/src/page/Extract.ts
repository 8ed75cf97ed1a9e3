/**
 * What a page is reduced to: its title, its links, and its text as Markdown.
 */
import type { Nodes } from "hast"
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
  const { base, links, title } = survey(tree)
  return {
    title,
    links: [...new Set(links.flatMap((href) => resolve(href, resolve(base ?? "", url)[0] ?? url)))],
    markdown: toMarkdown(toMdast(tree), { extensions: [gfmToMarkdown()] })
  }
}

const survey = (tree: Nodes) => {
  let title = ""
  let base: string | undefined
  const links: Array<string> = []
  visit(tree, "element", (element) => {
    const { href } = element.properties
    if (element.tagName === "title" && title === "") title = toString(element).trim()
    if (element.tagName === "base" && typeof href === "string") base ??= href
    if (element.tagName === "a" && typeof href === "string") links.push(href)
  })
  return { base, links, title }
}

const resolve = (href: string, base: string): ReadonlyArray<string> =>
  URL.canParse(href, base) ? [new URL(href, base).href] : []
