/**
 * How much Markdown a page's tree would become, before it is made.
 */
import type { Element, Nodes } from "hast"
import * as Table from "./Table.ts"

const blocks: ReadonlySet<string> = new Set(
  (
    "address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 " +
    "header hgroup hr html legend li listing main multicol nav ol p picture plaintext pre section summary table td th tr ul xmp"
  ).split(" ")
)

/** Whether an element begins a line of its own. */
export const isBlock = (tagName: string): boolean => blocks.has(tagName)

/** Blocks of Markdown; every other block is only what it holds. */
const markdownBlocks: ReadonlySet<string> = new Set(
  "blockquote dd dir dl dt h1 h2 h3 h4 h5 h6 hr li listing ol p plaintext pre summary table td th tr ul xmp".split(" ")
)

const unwritten: ReadonlySet<string> = new Set(
  "datalist dialog embed frame frameset head iframe math noembed noframes script style svg template title".split(" ")
)

/** Whether an element's text belongs to the page's text. */
export const isWritten = (tagName: string): boolean => !unwritten.has(tagName)

/** What surrounds an element's content. */
interface Around {
  /** What each line begins with, in characters. */
  readonly indent: number
  /** The markup of links and deletions, which each block within them repeats, in characters. */
  readonly wrap: number
  /** Whether line breaks count. */
  readonly verbatim: boolean
  /** Whether only the text is written, as that of code and of a table in a table. */
  readonly plain: boolean
  /** Whether this is within a table. */
  readonly table: boolean
  /** Whether the content is a line of text, as that of a heading or a cell. */
  readonly inline: boolean
  /** Whether that line's text stands in paragraphs of its own, as in a cell with divisions. */
  readonly divided: boolean
  /** Whether the line begins here. */
  readonly first: boolean
  /** How often it is written: the writer looks ahead by writing, so that a block within a line is written twice, and what it holds as often. */
  readonly times: number
}

const nothing: Around = {
  indent: 0,
  wrap: 0,
  verbatim: false,
  plain: false,
  table: false,
  inline: false,
  divided: false,
  first: true,
  times: 1
}

/** An element's length as it is, and as plain text; `inline` where it is part of a line. */
export interface Size {
  readonly full: number
  readonly flat: number
  readonly inline: boolean
}

/**
 * Roughly the length of all Markdown that is written for a tree, and the sizes of its elements. Escapes, which at most multiply it by six,
 * do not count.
 */
export const measure = (tree: Nodes): { readonly total: number; readonly sizes: ReadonlyMap<Nodes, Size> } => {
  const sizes = new Map<Nodes, Size>()
  return { total: walk(tree, nothing, sizes).full, sizes }
}

/** A part's whole length, and the text and the blocks that would be left of it. */
interface Part {
  readonly full: number
  readonly text: number
  readonly blocks: number
}

const empty: Part = { full: 0, text: 0, blocks: 0 }

const walk = (node: Nodes, outer: Around, sizes: Map<Nodes, Size>): Part => {
  if (node.type === "text") {
    const full = node.value.length + (outer.verbatim ? linesOf(node.value) * outer.indent : 0)
    return { full: aheadOf(outer, false).times * full, text: node.value.length, blocks: 0 }
  }
  if (!("children" in node)) return empty
  let inner = outer
  let full = 0
  let text = 0
  let blocks = 0
  let around = outer
  if (node.type === "element") {
    if (!isWritten(node.tagName)) return empty
    around = aheadOf(outer, isBlock(node.tagName))
    full = around.times * own(node, around)
    if (isBlock(node.tagName)) blocks = 1
    inner = innerOf(node, around)
  }
  for (const child of node.children) {
    const part = walk(child, inner, sizes)
    full += part.full
    text += part.text
    blocks += part.blocks
    if (inner.first && child.type !== "comment") inner = { ...inner, first: false }
  }
  sizes.set(node, {
    full,
    flat: around.times * (text + blocks * (2 + around.indent + around.wrap)),
    inline: outer.inline || outer.plain
  })
  return { full, text, blocks }
}

/** Content of a line that the writer writes once more to look ahead: blocks, and all that is divided, except at the line's beginning. */
const aheadOf = (outer: Around, block: boolean): Around =>
  outer.inline && !outer.plain && !outer.first && (block || outer.divided)
    ? { ...outer, inline: false, divided: false, times: 2 * outer.times }
    : outer

const linesOf = (text: string): number => text.split("\n").length

/** The markup of an element itself. */
const own = (element: Element, { indent, plain, table, wrap }: Around): number => {
  if (plain) return element.tagName === "br" || isBlock(element.tagName) ? 2 * (1 + indent) : 0
  const markup = 4 + attributesOf(element)
  if (element.tagName === "br") return markup + indent
  if (!isBlock(element.tagName)) return markup
  const cells = element.tagName === "table" && !table ? 3 * Table.grid(element) : 0
  return markup + cells + indent + wrap
}

const written: ReadonlySet<string> = new Set("alt href placeholder poster src title value".split(" "))

const attributesOf = ({ properties, tagName }: Element): number =>
  Object.entries(properties).reduce(
    (sum, [name, value]) =>
      written.has(name) || (tagName === "code" && name === "className") ? sum + String(value ?? "").length : sum,
    0
  )

const innerOf = (element: Element, around: Around): Around => {
  const { tagName } = element
  const inner = contentOf(element, around)
  if (lines.has(tagName)) return { ...inner, inline: true, divided: false, first: true }
  if (links.has(tagName)) return { ...inner, inline: true, first: true }
  // Quotation marks and the fallbacks of media are part of the line that they stand in.
  if (spliced.has(tagName)) return { ...inner, first: false }
  if (!around.inline || !isBlock(tagName)) return inner
  // A division at the beginning of a line is no node of its own: what it holds goes on with the line.
  return markdownBlocks.has(tagName) ? { ...inner, inline: false } : { ...inner, divided: true }
}

const contentOf = (element: Element, around: Around): Around => {
  switch (element.tagName) {
    case "blockquote":
    case "dd":
    case "dl":
    case "dt":
    case "li":
      return { ...around, indent: around.indent + 2 }
    case "ol":
      return { ...around, indent: around.indent + digitsOf(element) }
    case "a":
    case "del":
    case "s":
    case "strike":
      // A link around blocks is written once in each of them.
      return { ...around, wrap: around.wrap + 4 + attributesOf(element) }
    case "code":
    case "kbd":
    case "samp":
    case "tt":
    case "var":
      return { ...around, plain: true }
    case "listing":
    case "plaintext":
    case "pre":
    case "textarea":
    case "xmp":
      return { ...around, plain: true, verbatim: true }
    case "table":
      return around.table ? { ...around, plain: true } : { ...around, table: true }
    default:
      return around
  }
}

const lines: ReadonlySet<string> = new Set("b em h1 h2 h3 h4 h5 h6 i mark p strong summary td th u".split(" "))

const links: ReadonlySet<string> = new Set(["a", "del", "s", "strike"])

const spliced: ReadonlySet<string> = new Set(["audio", "q", "video"])

/** The digits of the largest number of a list. */
const digitsOf = ({ children, properties }: Element): number => {
  const start = Number.parseInt(String(properties.start), 10)
  return String((Number.isNaN(start) ? 1 : start) + children.length).length
}
