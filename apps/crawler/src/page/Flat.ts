/**
 * Parts of a page as paragraphs of plain text, where their structure would take too much room.
 */
import type { Element, Nodes, Root } from "hast"
import * as MarkdownSize from "./MarkdownSize.ts"

/** Makes the parts of a tree flat by which its Markdown would be longer than `limit` characters; all else keeps its structure. */
export const fit = (tree: Root, limit: number): void => {
  const { sizes, total } = MarkdownSize.measure(tree)
  if (total > limit) reduce(tree, total - limit, sizes)
}

type Sizes = ReadonlyMap<Nodes, MarkdownSize.Size>

/** Saves `excess` characters as deep within a part as possible. */
const reduce = (part: Root | Element, excess: number, sizes: Sizes): void => {
  const inner = elementsOf(part)
    .map((element) => ({ element, gain: gainOf(element, sizes) }))
    .toSorted((a, b) => b.gain - a.gain)
  if (inner.reduce((sum, { gain }) => sum + gain, 0) < excess) return flattenPart(part, sizes)
  let rest = excess
  for (const { element, gain } of inner) {
    if (gain >= rest) return reduce(element, rest, sizes)
    flattenPart(element, sizes)
    rest -= gain
  }
}

const elementsOf = ({ children }: Root | Element): ReadonlyArray<Element> =>
  children.filter((child) => child.type === "element") as Array<Element>

/** Parts of a table or a list: they are nothing without it, so that only what they hold is made flat. */
const held: ReadonlySet<string> = new Set("body dd dt html li tbody td tfoot th thead tr".split(" "))

/** The characters that a flat element saves. */
const gainOf = (element: Element, sizes: Sizes): number => {
  const size = sizes.get(element)
  if (size === undefined) return 0
  if (!held.has(element.tagName)) return Math.max(0, size.full - size.flat)
  return elementsOf(element).reduce((sum, child) => sum + gainOf(child, sizes), 0)
}

const flattenPart = (part: Root | Element, sizes: Sizes): void => {
  if (part.type === "root") return flatten(part)
  if (held.has(part.tagName)) return elementsOf(part).forEach((child) => flattenPart(child, sizes))
  const inline = sizes.get(part)?.inline ?? false
  flatten(part, inline)
  rename(part, inline)
}

/** Leaves paragraphs of text, or a line of it: no element has attributes, and one without content is gone. */
export const flatten = (node: Root | Element, inline = false): void => {
  const children: Array<Element["children"][number]> = []
  for (const child of node.children) {
    if (child.type === "text") children.push(child)
    if (child.type !== "element" || !MarkdownSize.isWritten(child.tagName)) continue
    flatten(child, inline)
    if (inline && MarkdownSize.isBlock(child.tagName)) children.push({ type: "text", value: " " })
    rename(child, inline)
    if (child.children.length > 0) children.push(child)
  }
  node.children = children
}

const rename = (element: Element, inline: boolean): void => {
  element.tagName = !inline && MarkdownSize.isBlock(element.tagName) ? "div" : "span"
  element.properties = {}
}
