/**
 * A page as a browser reads it.
 */
import { parse, type DefaultTreeAdapterTypes } from "parse5"

export type Element = DefaultTreeAdapterTypes.Element

/** Every element of a document, in its order. */
export const elementsOf = (document: string): ReadonlyArray<Element> => {
  const found: Array<Element> = []
  const visit = (node: DefaultTreeAdapterTypes.Node) => {
    if ("tagName" in node) found.push(node)
    if ("childNodes" in node) for (const child of node.childNodes) visit(child)
  }
  visit(parse(document))
  return found
}

export const attribute = (element: Element, name: string): string | undefined =>
  element.attrs.find((attr) => attr.name === name)?.value

/** What is read of an element: blanks are one each. */
export const textOf = (element: Element): string => {
  const read = (node: DefaultTreeAdapterTypes.Node): string =>
    node.nodeName === "#text" && "value" in node
      ? node.value
      : "childNodes" in node
        ? node.childNodes.map(read).join("")
        : ""
  return read(element).replaceAll(/\s+/g, " ").trim()
}
