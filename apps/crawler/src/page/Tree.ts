/**
 * A page's source as a tree, at most as deep as a browser makes it.
 */
import { parseXml, XmlCdata, XmlElement, XmlText, type XmlNode } from "@rgrove/parse-xml"
import { decodeHTML } from "entities"
import type { Element, Root, Text } from "hast"
import { fromParse5 } from "hast-util-from-parse5"
import { h } from "hastscript"
import { parse, type DefaultTreeAdapterTypes as Parse5 } from "parse5"

/** Half of what Chrome allows. All that reads the tree calls itself for each level. */
const mostDeep = 256

/** The tree of HTML, as browsers read it, whatever is wrong with it. What lies deeper than 256 levels is kept without its nesting. */
export const fromHtml = (html: string): Root => {
  // Without scripts, what a page says instead of them is part of it.
  const document = parse(html, { scriptingEnabled: false })
  limitDepth(document)
  const tree = fromParse5(document)
  return tree.type === "root" ? tree : { type: "root", children: [] }
}

type Parent = Parse5.Document | Parse5.Element

const limitDepth = (document: Parse5.Document): void => {
  let level: ReadonlyArray<Parent> = [document]
  for (let depth = 0; depth < mostDeep && level.length > 0; depth++) level = level.flatMap(elementsOf)
  for (const element of level) element.childNodes = lifted(element)
}

const elementsOf = ({ childNodes }: Parent): ReadonlyArray<Parse5.Element> => childNodes.filter(isElement)

const isElement = (node: Parse5.ChildNode): node is Parse5.Element => "tagName" in node

/** All that an element holds, side by side in its order. */
const lifted = (element: Parent): Array<Parse5.ChildNode> => {
  const flat: Array<Parse5.ChildNode> = []
  const open = element.childNodes.toReversed()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    flat.push(node)
    if (!isElement(node)) continue
    for (const child of node.childNodes.toReversed()) open.push(child)
    node.childNodes = []
  }
  return flat
}

/** The tree of XHTML. One that is not well-formed is read as HTML, where a browser shows an error; so is one that is deeper than 256 levels. */
export const fromXhtml = (xhtml: string): Root => {
  try {
    // A document type that is not loaded declares the entities of HTML.
    const { children } = parseXml(xhtml, { resolveUndefinedEntity: decodeHTML })
    return { type: "root", children: children.flatMap((node) => nodesOf(node, mostDeep)) }
  } catch {
    return fromHtml(xhtml)
  }
}

const nodesOf = (node: XmlNode, levels: number): ReadonlyArray<Element | Text> => {
  if (levels === 0) throw new RangeError("The document is too deep")
  if (node instanceof XmlText || node instanceof XmlCdata) return [{ type: "text", value: node.text }]
  if (!(node instanceof XmlElement)) return []
  return [h(localName(node.name), node.attributes, ...node.children.flatMap((child) => nodesOf(child, levels - 1)))]
}

/** `p` of `html:p`. */
const localName = (name: string): string => name.slice(name.indexOf(":") + 1)
