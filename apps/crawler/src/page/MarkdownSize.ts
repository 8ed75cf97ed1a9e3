/**
 * Estimates the length of a page's Markdown before it is written.
 */
import type { Element, Nodes } from "hast"
import * as Table from "./Table.ts"

const blocks: ReadonlySet<string> = new Set(
  (
    "address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 " +
    "header hgroup hr html legend li listing main multicol nav ol p picture plaintext pre section summary table td th tr ul xmp"
  ).split(" ")
)

/** Whether an element begins on a line of its own. */
export const isBlock = (tagName: string): boolean => blocks.has(tagName)

const unwritten: ReadonlySet<string> = new Set(
  "datalist dialog embed frame frameset head iframe math noembed noframes script style svg template title".split(" ")
)

/** Whether an element's text belongs to the page's text. */
export const isWritten = (tagName: string): boolean => !unwritten.has(tagName)

/** The surroundings of an element's content. */
interface Around {
  /** The indentation of each line, in characters. */
  readonly indent: number
  /** The markup of surrounding links and deletions, which each block repeats, in characters. */
  readonly wrap: number
  /** Whether line breaks are kept. */
  readonly verbatim: boolean
  /** Whether the content is a single line of text, as in a heading or a cell. */
  readonly inline: boolean
  /** How often the content is written: a block within a line of text is written twice, with everything in it. */
  readonly times: number
}

const nothing: Around = { indent: 0, wrap: 0, verbatim: false, inline: false, times: 1 }

/** The approximate length of all Markdown that is written for a tree, without escapes, which make it at most six times as long. */
export const estimate = (node: Nodes, outer: Around = nothing): number => {
  if (node.type === "text")
    return outer.times * (node.value.length + (outer.verbatim ? linesOf(node.value) * outer.indent : 0))
  if (!("children" in node)) return 0
  let size = 0
  let inner = outer
  if (node.type === "element") {
    if (!isWritten(node.tagName)) return 0
    const around = outer.inline && isBlock(node.tagName) ? { ...outer, inline: false, times: 2 * outer.times } : outer
    size = around.times * own(node, around)
    inner = innerOf(node, around)
  }
  for (const child of node.children) size += estimate(child, inner)
  return size
}

const linesOf = (text: string): number => text.split("\n").length

/** The length of an element's own markup. */
const own = (element: Element, { indent, wrap }: Around): number => {
  const markup = 4 + attributesOf(element)
  if (element.tagName === "br") return markup + indent
  if (!isBlock(element.tagName)) return markup
  const cells = element.tagName === "table" ? 3 * Table.grid(element) : 0
  return markup + cells + indent + wrap
}

const attributesOf = ({ properties }: Element): number =>
  Object.values(properties).reduce<number>((sum, value) => sum + String(value ?? "").length, 0)

const innerOf = (element: Element, around: Around): Around => {
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
      return { ...around, wrap: around.wrap + 4 + attributesOf(element), inline: true }
    case "listing":
    case "plaintext":
    case "pre":
    case "textarea":
    case "xmp":
      return { ...around, verbatim: true }
    default:
      return lines.has(element.tagName) ? { ...around, inline: true } : around
  }
}

const lines: ReadonlySet<string> = new Set(
  "audio b em h1 h2 h3 h4 h5 h6 i mark p strong summary td th u video".split(" ")
)

/** The number of digits of a list's largest number. */
const digitsOf = ({ children, properties }: Element): number => {
  const start = Number.parseInt(String(properties.start), 10)
  return String((Number.isNaN(start) ? 1 : start) + children.length).length
}
