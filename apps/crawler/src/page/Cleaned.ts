/**
 * A page's tree as HTML that has its content only: without programs, styles, comments and navigation.
 */
import type { Element, Nodes, Root } from "hast"
import { toHtml } from "hast-util-to-html"
import { CONTINUE, EXIT, SKIP, visit } from "unist-util-visit"

/** Elements that say nothing to a reader, or lead to other pages only. */
const removed: ReadonlySet<string> = new Set(["base", "link", "meta", "nav", "noscript", "script", "style", "template"])

/** Attributes that style an element, run a program, or hold another page. */
const isIdle = (name: string): boolean => ["className", "srcDoc", "style"].includes(name) || /^on[a-zA-Z]/.test(name)

/** Attributes with addresses, other than those that are made absolute: there, addresses of programs are gone already. */
const addresses: ReadonlySet<string> = new Set(["action", "data", "formAction", "from", "to", "values", "xLinkHref"])

/** Browsers pass over spaces and control characters in a scheme. */
const isProgram = (value: unknown): boolean =>
  // oxlint-disable-next-line no-control-regex
  /(^|;)(javascript|vbscript):/i.test(String(value).replace(/[\0-\x20]/g, ""))

/** HTML of a tree, without what is not content. The tree is changed. */
export const fromTree = (tree: Root): string => {
  remove(tree, (node) => node.type === "comment" || (node.type === "element" && isChrome(node, removed)))
  visit(tree, "element", ({ properties }) => {
    for (const [name, value] of Object.entries(properties))
      if (isIdle(name) || (addresses.has(name) && isProgram(value))) delete properties[name]
  })
  return toHtml(tree)
}

const isChrome = ({ properties, tagName }: Element, names: ReadonlySet<string>): boolean =>
  names.has(tagName) || properties.role === "navigation"

/** What stands around the content of a page that does not name its main part. */
const around: ReadonlySet<string> = new Set(["aside", "footer", "header", "nav"])

/**
 * Leaves the main part of a page: its `<main>` or the element of that role; without one, its only `<article>`; without one, all but its navigation,
 * headers, footers and asides. The tree is changed.
 */
export const keepMain = (tree: Root): void => {
  const body = find(tree, ({ tagName }) => tagName === "body")[0] ?? tree
  const [main] = find(body, isMain)
  const articles = main === undefined ? find(body, ({ tagName }) => tagName === "article") : []
  const part = main ?? (articles.length === 1 ? articles[0] : undefined)
  if (part === undefined) return remove(body, (node) => node.type === "element" && isChrome(node, around))
  body.children = [part]
}

/** Pages that change by programs have several, all but one hidden. */
const isMain = ({ properties, tagName }: Element): boolean =>
  (tagName === "main" || properties.role === "main") && (properties.hidden ?? false) === false

/** The elements that are asked for, but none within another. */
const find = (tree: Root | Element, isIt: (element: Element) => boolean): ReadonlyArray<Element> => {
  const found: Array<Element> = []
  visit(tree, "element", (element) => {
    if (!isIt(element)) return CONTINUE
    found.push(element)
    // Nobody asks whether there are more than two.
    return found.length > 1 ? EXIT : SKIP
  })
  return found
}

/** Takes nodes away with all that they hold. */
const remove = (tree: Root | Element, isIt: (node: Nodes) => boolean): void => {
  visit(tree, (node) => {
    if ("children" in node) node.children = node.children.filter((child) => !isIt(child)) as typeof node.children
  })
}
