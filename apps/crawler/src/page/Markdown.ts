/**
 * A page's tree as Markdown that is bounded by the page: a stranger's page of some kilobytes must not fill the memory.
 *
 * Markdown repeats what HTML says once: the indentation of a list on each of its lines, empty cells in each row of a table, a link
 * around each of its paragraphs. The parts by which a page would grow beyond its bound are written as paragraphs of plain text.
 */
import type { Root } from "hast"
import { gfmToMarkdown } from "mdast-util-gfm"
import { toMarkdown } from "mdast-util-to-markdown"
import * as Escape from "./Escape.ts"
import * as Flat from "./Flat.ts"
import * as Mdast from "./Mdast.ts"
import * as Shape from "./Shape.ts"
import * as Whitespace from "./Whitespace.ts"

/** Markdown of a tree in at most about `limit` characters. The tree is changed. */
export const fromTree = (tree: Root, limit: number): string => {
  Shape.shape(tree)
  Flat.fit(tree, limit)
  const undo = Whitespace.minify(tree)
  const markdown = write(tree)
  if (markdown.length <= limit) return markdown
  // Other space counts where nothing has a structure.
  undo()
  Flat.flatten(tree)
  Whitespace.minify(tree)
  return write(tree)
}

/** No column is padded: it would be as wide in each row as its widest cell. */
const extensions = [gfmToMarkdown({ tablePipeAlign: false })]

const write = (tree: Root): string => toMarkdown(Mdast.fromTree(tree), { extensions, handlers: { root: Escape.root } })
