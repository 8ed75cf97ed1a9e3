/**
 * Gives a page's tree a shape that Markdown can say.
 *
 * HTML allows blocks where Markdown has one line: paragraphs in a cell, a list in a heading, emphasis around a whole page. Written as they
 * are, their texts would run together and break the row. Here a line's blocks become parts of it, with a break between them.
 */
import type { Element, ElementContent, Root, RootContent } from "hast"
import { toText } from "hast-util-to-text"
import * as MarkdownSize from "./MarkdownSize.ts"
import * as Table from "./Table.ts"

/** Changes a tree so that no line holds a block. Comments, and elements that would show nothing, are gone. */
export const shape = (tree: Root): void => {
  const holders = new Set<Element>()
  findHolders(tree, holders)
  tree.children = shapeAll(tree.children, { ...outside, holders })
}

interface Within {
  readonly holders: ReadonlySet<Element>
  readonly link: boolean
  readonly struck: boolean
  readonly emphasis: ReadonlyArray<string>
  /** Whether all around is one line: that of a cell or of a heading. */
  readonly line: boolean
}

const outside = { link: false, struck: false, emphasis: [], line: false }

/** Finds the elements that hold a block. */
const findHolders = (node: Root | Element, holders: Set<Element>): boolean => {
  let holds = false
  for (const child of node.children) {
    if (child.type === "element" && (findHolders(child, holders) || isBlock(child.tagName))) holds = true
  }
  if (holds && node.type === "element") holders.add(node)
  return holds
}

const isBlock = (tagName: string): boolean => tagName !== "picture" && MarkdownSize.isBlock(tagName)

const struck: ReadonlySet<string> = new Set(["del", "s", "strike"])

/** Emphasis of Markdown, by its two strengths. */
const emphasis: ReadonlyMap<string, string> = new Map([
  ...["em", "i", "mark", "u"].map((name) => [name, "em"] as const),
  ...["b", "strong"].map((name) => [name, "strong"] as const)
])

const headings: ReadonlySet<string> = new Set(["h1", "h2", "h3", "h4", "h5", "h6", "summary"])

const verbatim: ReadonlySet<string> = new Set(["listing", "plaintext", "pre", "textarea", "xmp"])

const code: ReadonlySet<string> = new Set(["code", "kbd", "samp", "tt", "var"])

/** Elements that show nothing without content. */
const empties: ReadonlySet<string> = new Set([
  ..."a b code del em font h1 h2 h3 h4 h5 h6 i kbd mark s samp small span strike strong sub sup tt u var".split(" ")
])

const shapeAll = <Child extends RootContent>(children: ReadonlyArray<Child>, within: Within): Array<ElementContent> => {
  const shaped: Array<ElementContent> = []
  for (const child of children) {
    if (child.type === "text") shaped.push(child)
    if (child.type === "element") for (const part of shapeOne(child, within)) shaped.push(part)
  }
  return shaped
}

const shapeOne = (element: Element, within: Within): ReadonlyArray<ElementContent> => {
  const { tagName } = element
  if (!MarkdownSize.isWritten(tagName)) return []
  if (tagName === "input") delete element.properties.list
  // A picture without an address is what its text says.
  if (tagName === "img" && typeof element.properties.src !== "string")
    return [text(String(element.properties.alt ?? ""))]
  if (within.line && (isBlock(tagName) || within.holders.has(element))) return partsOf(element, within)
  if (tagName === "table") return tableOf(element, within)
  if (verbatim.has(tagName)) return [element]
  if (headings.has(tagName)) element.children = spaced(lineOf(element.children, within))
  else element.children = shapeAll(element.children, insideOf(element, within))
  if (empties.has(tagName) && !element.children.some(isShown)) return element.children
  if (tagName === "button") return [space(), element, space()]
  return phrases.has(element.tagName) ? lifted(element) : [element]
}

/** Takes a mark away where it is said already, or cannot be said. */
const insideOf = (element: Element, within: Within): Within => {
  const { properties, tagName } = element
  const strength = emphasis.get(tagName)
  const isLink = tagName === "a"
  const isStruck = struck.has(tagName)
  const isRepeated =
    (isLink && (within.link || typeof properties.href !== "string")) ||
    (isStruck && within.struck) ||
    (strength !== undefined && (within.emphasis.includes(strength) || (!within.line && within.holders.has(element))))
  if (isRepeated) element.tagName = "span"
  // A paragraph of XHTML may hold blocks.
  if (tagName === "p" && within.holders.has(element)) element.tagName = "div"
  if (isRepeated) return within
  return {
    ...within,
    link: within.link || isLink,
    struck: within.struck || isStruck,
    emphasis: strength === undefined ? within.emphasis : [...within.emphasis, strength]
  }
}

const isShown = (node: ElementContent): boolean =>
  node.type === "text" ? /\S/.test(node.value) : node.type === "element" && node.tagName !== "br"

/** The elements whose marks must stand next to a letter. */
const phrases: ReadonlySet<string> = new Set([...emphasis.keys(), ...struck, "a"])

/** An element with the spaces of its ends outside of it. */
const lifted = (element: Element): ReadonlyArray<ElementContent> => {
  const first = element.children[0]
  const last = element.children.at(-1)
  const before = first?.type === "text" && /^\s/.test(first.value)
  const after = last?.type === "text" && /\s$/.test(last.value)
  if (before) first.value = first.value.trimStart()
  if (after) last.value = last.value.trimEnd()
  return [...(before ? [space()] : []), element, ...(after ? [space()] : [])]
}

const text = (value: string): ElementContent => ({ type: "text", value })

const space = (): ElementContent => text(" ")

const make = (tagName: string, children: Array<ElementContent> = []): Element => ({
  type: "element",
  tagName,
  properties: {},
  children
})

const lineBreak = (): ElementContent => make("br")

/** A line that holds no block. */
const lineOf = (children: ReadonlyArray<RootContent>, within: Within): Array<ElementContent> =>
  tidied(shapeAll(children, { ...within, line: true }))

/** A line without breaks at its ends, and none next to another. */
const tidied = (children: ReadonlyArray<ElementContent>): Array<ElementContent> => {
  const line: Array<ElementContent> = []
  let isPending = false
  for (const child of children) {
    if (isBreak(child)) isPending = line.length > 0
    else if (isShown(child) || !(isPending || line.length === 0)) {
      if (isPending) line.push(lineBreak())
      isPending = false
      line.push(child)
    }
  }
  return line
}

const isBreak = (node: ElementContent): boolean => node.type === "element" && node.tagName === "br"

/** A line with spaces in the place of its breaks: Markdown has no heading of two lines that all readers know. */
const spaced = (line: ReadonlyArray<ElementContent>): Array<ElementContent> =>
  line.map((node) => {
    if (isBreak(node)) return space()
    if (node.type === "element") node.children = spaced(node.children)
    return node
  })

/** A block within a line, as parts of the line. */
const partsOf = (element: Element, within: Within): ReadonlyArray<ElementContent> => {
  const { tagName } = element
  const parts = (content: ReadonlyArray<ElementContent>) => [lineBreak(), ...content, lineBreak()]
  if (verbatim.has(tagName)) return parts(codeLines(element))
  if (tagName === "ol" || tagName === "ul") return parts(shapeAll(numbered(element), within))
  if (headings.has(tagName)) return parts(emphasised(lineOf(element.children, within)))
  if (tagName === "td" || tagName === "th") return [space(), ...lineOf(element.children, within), space()]
  if (isBlock(tagName) || code.has(tagName)) return parts(shapeAll(element.children, within))
  // Emphasis or a link around blocks.
  element.children = lineOf(element.children, insideOf(element, within))
  return element.children.some(isShown) ? parts([element]) : []
}

const emphasised = (line: Array<ElementContent>): ReadonlyArray<ElementContent> =>
  line.some(isShown) ? [make("strong", line)] : []

const codeLines = (element: Element): ReadonlyArray<ElementContent> =>
  toText(element)
    .split("\n")
    .filter((line) => /\S/.test(line))
    .flatMap((line) => [make("code", [text(line)]), lineBreak()])

/** The items of a list, with what a browser shows in front of them. */
const numbered = ({ children, properties, tagName }: Element): ReadonlyArray<ElementContent> => {
  const start = Number.parseInt(String(properties.start ?? 1), 10)
  let number = Number.isNaN(start) ? 1 : start
  for (const item of children) {
    if (item.type !== "element" || item.tagName !== "li") continue
    item.children.unshift(text(tagName === "ol" ? `${number++}. ` : "• "))
  }
  return children
}

/** A table with its caption in front of it; one that only lays a page out is no table of Markdown. */
const tableOf = (table: Element, within: Within): ReadonlyArray<ElementContent> => {
  if (isLayout(table)) {
    unfold(table)
    return shapeOne(table, within)
  }
  const captions = table.children.filter(isCaption)
  const caption = lineOf(
    captions.flatMap(({ children }) => children),
    within
  )
  table.children = table.children.filter((child) => !isCaption(child))
  for (const cell of Table.cells(table)) cell.children = lineOf(cell.children, within)
  Table.tame(table)
  return caption.some(isShown) ? [make("p", caption), table] : [table]
}

const isCaption = (node: ElementContent): node is Element => node.type === "element" && node.tagName === "caption"

const isLayout = (table: Element): boolean =>
  table.properties.role === "presentation" ||
  table.properties.role === "none" ||
  (!holds(table, isHead) && holds(table, (tagName) => tagName === "table"))

const isHead = (tagName: string): boolean => tagName === "th" || tagName === "caption" || tagName === "thead"

/** Whether a table holds an element of its own; what tables within it hold is not. */
const holds = ({ children }: Element, isIt: (tagName: string) => boolean): boolean =>
  children.some(
    (child) => child.type === "element" && (isIt(child.tagName) || (child.tagName !== "table" && holds(child, isIt)))
  )

const unfold = (table: Element): void => {
  for (const part of Table.parts(table)) part.tagName = "div"
  table.tagName = "div"
}
