/**
 * Writes a page's tree as Markdown of bounded length, so that a small hostile page cannot fill the memory.
 *
 * Markdown repeats things that HTML has once: the indentation of a list on each of its lines, empty cells in each row of a table, a link
 * around each of its paragraphs. A page that would exceed the limit is written as paragraphs of plain text.
 */
import type { Element, Nodes, Root } from "hast"
import { toMdast } from "hast-util-to-mdast"
import { gfmToMarkdown } from "mdast-util-gfm"
import { toMarkdown } from "mdast-util-to-markdown"
import * as MarkdownSize from "./MarkdownSize.ts"
import * as Table from "./Table.ts"

/** Markdown of a tree in at most about `limit` characters. The tree is changed. */
export const fromTree = (tree: Root, limit: number): string => {
  tame(tree, { link: false, struck: false })
  const markdown = MarkdownSize.estimate(tree) > limit ? undefined : write(tree)
  if (markdown !== undefined && markdown.length <= limit) return markdown
  flatten(tree)
  return write(tree)
}

/** Columns are not padded, or each row would be as wide as the widest cells. */
const extensions = [gfmToMarkdown({ tablePipeAlign: false })]

const write = (tree: Root): string => toMarkdown(toMdast(tree), { extensions })

const struck: ReadonlySet<string> = new Set(["del", "s", "strike"])

/** Removes content that adds nothing but would be repeated: links in links, a datalist per input, cells that fill up a table. */
const tame = (node: Nodes, inside: { readonly link: boolean; readonly struck: boolean }): void => {
  if (!("children" in node)) return
  let within = inside
  if (node.type === "element") {
    const link = node.tagName === "a"
    const isStruck = struck.has(node.tagName)
    if ((link && inside.link) || (isStruck && inside.struck)) node.tagName = "span"
    else within = { link: inside.link || link, struck: inside.struck || isStruck }
    if (node.tagName === "input") delete node.properties.list
    if (node.tagName === "table") Table.tame(node)
  }
  for (const child of node.children) tame(child, within)
}

/** Flattens a tree to paragraphs of text: every element becomes a plain `div` or `span`, and empty ones are removed. */
const flatten = (node: Root | Element): void => {
  const children = []
  for (const child of node.children) {
    if (child.type === "text") children.push(child)
    if (child.type !== "element" || !MarkdownSize.isWritten(child.tagName)) continue
    flatten(child)
    child.tagName = MarkdownSize.isBlock(child.tagName) ? "div" : "span"
    child.properties = {}
    if (child.children.length > 0) children.push(child)
  }
  node.children = children
}
