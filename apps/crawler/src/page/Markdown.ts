/**
 * A page's tree as Markdown that is bounded by the page: a stranger's page of some kilobytes must not fill the memory.
 *
 * Markdown repeats what HTML says once: the indentation of a list on each of its lines, empty cells in each row of a table, a link
 * around each of its paragraphs. The parts by which a page would grow beyond its bound are written as paragraphs of plain text.
 */
import type { Root } from "hast"
import { toMdast, type State } from "hast-util-to-mdast"
import type { Break, Html } from "mdast"
import { gfmToMarkdown } from "mdast-util-gfm"
import { toMarkdown } from "mdast-util-to-markdown"
import * as Flat from "./Flat.ts"
import * as Shape from "./Shape.ts"

/** Markdown of a tree in at most about `limit` characters. The tree is changed. */
export const fromTree = (tree: Root, limit: number): string => {
  Shape.shape(tree)
  Flat.fit(tree, limit)
  const markdown = write(tree)
  if (markdown.length <= limit) return markdown
  Flat.flatten(tree)
  return write(tree)
}

/** No column is padded: it would be as wide in each row as its widest cell. */
const extensions = [gfmToMarkdown({ tablePipeAlign: false })]

const write = (tree: Root): string => toMarkdown(toMdast(tree, { handlers: { br } }), { extensions })

/** A line break. A row of a table is one line, so that a break in it is written in HTML, which all readers of Markdown know. */
const br = ({ inTable }: State): Html | Break => (inTable ? { type: "html", value: "<br>" } : { type: "break" })
