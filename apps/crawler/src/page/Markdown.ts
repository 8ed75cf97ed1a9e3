/**
 * A page's tree as Markdown that is bounded by the page: a stranger's page of some kilobytes must not fill the memory.
 *
 * Markdown repeats what HTML says once: the indentation of a list on each of its lines, empty cells in each row of a table, a link
 * around each of its paragraphs. The parts by which a page would grow beyond its bound are written as paragraphs of plain text.
 */
import type { Nodes, Root } from "hast"
import { toMdast } from "hast-util-to-mdast"
import { gfmToMarkdown } from "mdast-util-gfm"
import { toMarkdown } from "mdast-util-to-markdown"
import * as Flat from "./Flat.ts"
import * as Table from "./Table.ts"

/** Markdown of a tree in at most about `limit` characters. The tree is changed. */
export const fromTree = (tree: Root, limit: number): string => {
  tame(tree, { link: false, struck: false })
  Flat.fit(tree, limit)
  const markdown = write(tree)
  if (markdown.length <= limit) return markdown
  Flat.flatten(tree)
  return write(tree)
}

/** No column is padded: it would be as wide in each row as its widest cell. */
const extensions = [gfmToMarkdown({ tablePipeAlign: false })]

const write = (tree: Root): string => toMarkdown(toMdast(tree), { extensions })

const struck: ReadonlySet<string> = new Set(["del", "s", "strike"])

/** Takes away what adds nothing but would be multiplied: links in links, a datalist for each of its inputs, the cells that a table lacks. */
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
