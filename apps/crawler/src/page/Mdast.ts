/**
 * A page's tree as the tree of its Markdown.
 *
 * The elements are handled by `hast-util-to-mdast`. What it does around them is done here: it copies the whole tree first, and goes over all of it
 * several times more, which took a third of the time of a page. A test compares the results.
 */
import type { Nodes as Hast, Parents, Root } from "hast"
import { defaultHandlers, defaultNodeHandlers, type Handle, type State } from "hast-util-to-mdast"
import type { Break, Html, Nodes, PhrasingContent, Root as Markdown, RootContent } from "mdast"

/** The tree of the Markdown of a shaped tree, which has no white space that shows nothing. */
export const fromTree = (tree: Root): Markdown => {
  const content = makeState().all(tree)
  const markdown: Markdown = { type: "root", children: needsWrap(content) ? wrap(content) : content }
  tidy(markdown)
  return markdown
}

/** A line break. A row of a table is one line, so that a break in it is written in HTML, which all readers of Markdown know. */
const br = ({ inTable }: State): Html | Break => (inTable ? { type: "html", value: "<br>" } : { type: "break" })

const handlers: Record<string, Handle> = { ...defaultHandlers, br }

const handlerOf: ReadonlyMap<string, Handle> = new Map(Object.entries(handlers))

/** What the handlers ask for. Addresses are absolute by now, and no element refers to another by its id. */
const makeState = (): State => {
  const state: State = {
    all: (parent) => {
      const content: Array<RootContent> = []
      for (const child of parent.children) add(content, state.one(child, parent))
      return content
    },
    baseFound: true,
    elementById: new Map(),
    frozenBaseUrl: undefined,
    handlers,
    inTable: false,
    nodeHandlers: defaultNodeHandlers,
    one: (node, parent) => oneOf(state, node, parent),
    options: {},
    patch: () => undefined,
    qNesting: 0,
    resolve: (url) => url ?? "",
    toFlow: wrap as State["toFlow"],
    toSpecificContent: (nodes, build) => {
      const { type } = build()
      const parents: Array<ReturnType<typeof build>> = []
      let before: typeof nodes = []
      for (const node of nodes) {
        if (node.type === type) {
          const parent = node as unknown as ReturnType<typeof build>
          if (before.length > 0) parent.children = [...(before as typeof parent.children), ...parent.children]
          before = []
          parents.push(parent)
        } else before.push(node)
      }
      if (before.length > 0) {
        const last = parents.at(-1) ?? build()
        if (parents.length === 0) parents.push(last)
        for (const node of before) last.children.push(node as (typeof last.children)[number])
      }
      return parents
    }
  }
  return state
}

type Handled = Array<Nodes> | Nodes | undefined

const add = (content: Array<RootContent>, handled: Handled): void => {
  if (handled === undefined) return
  if (!Array.isArray(handled)) content.push(handled as RootContent)
  else for (const node of handled) content.push(node as RootContent)
}

const oneOf = (state: State, node: Hast, parent: Parents | undefined): Handled => {
  if (node.type === "text") return { type: "text", value: node.value }
  if (node.type !== "element") return undefined
  if (node.properties.dataMdast === "ignore") return undefined
  const handle = handlerOf.get(node.tagName)
  if (handle === undefined) return state.all(node)
  return handle(state, node, parent) ?? undefined
}

/** What may stand in a line. */
const phrasing: ReadonlySet<string> = new Set(
  "break delete emphasis footnoteReference image imageReference inlineCode link linkReference strong text".split(" ")
)

/** Whether there is anything that may not stand in a line. */
const needsWrap = (nodes: ReadonlyArray<Nodes>): boolean =>
  nodes.some((node) => !phrasing.has(node.type) || ("children" in node && needsWrap(node.children)))

/** Puts what may stand in a line into paragraphs. */
const wrap = (nodes: ReadonlyArray<RootContent>): Array<RootContent> =>
  runs(
    nodes,
    (line) => (line.every(isBlank) ? [] : [{ type: "paragraph", children: withoutOuterBreaks(line) }]),
    (node) => node
  )

const isBlank = (node: RootContent): boolean => node.type === "text" && !/[^ \t\n\f\r]/.test(node.value)

const withoutOuterBreaks = (nodes: ReadonlyArray<PhrasingContent>): Array<PhrasingContent> => {
  let start = 0
  let end = nodes.length
  while (start < end && nodes[start]?.type === "break") start++
  while (end > start && nodes[end - 1]?.type === "break") end--
  return nodes.slice(start, end)
}

const runs = (
  nodes: ReadonlyArray<RootContent>,
  ofLine: (line: Array<PhrasingContent>) => ReadonlyArray<RootContent>,
  ofBlock: (node: RootContent) => RootContent
): Array<RootContent> => {
  const result: Array<RootContent> = []
  let line: Array<PhrasingContent> = []
  const endLine = () => {
    if (line.length > 0) for (const node of ofLine(line)) result.push(node)
    line = []
  }
  for (const node of nodes) {
    // A link or a deletion around blocks is put around what each of them holds.
    const isAround = (node.type === "delete" || node.type === "link") && needsWrap(node.children)
    for (const part of isAround ? split(node) : [node]) {
      if (phrasing.has(part.type)) line.push(part as PhrasingContent)
      else {
        endLine()
        result.push(ofBlock(part))
      }
    }
  }
  endLine()
  return result
}

type Around = Extract<RootContent, { readonly type: "delete" | "link" }>

const split = (around: Around): Array<RootContent> =>
  runs(
    around.children,
    (line) => [{ ...around, children: line }],
    (block) => {
      if (!("children" in block)) return { ...block }
      const inner = { ...around, children: block.children }
      return { ...block, children: [inner] } as RootContent
    }
  )

/** Joins texts next to each other, and takes away white space at the ends of a line. */
const tidy = (parent: Exclude<Nodes, { readonly value: string }>): void => {
  if (!("children" in parent)) return
  const children = parent.children as Array<RootContent>
  const isLine = parent.type === "heading" || parent.type === "paragraph" || parent.type === "root"
  let index = 0
  while (index < children.length) {
    const node = children[index]
    if (node?.type !== "text") {
      if (node !== undefined && "children" in node) tidy(node)
      index++
      continue
    }
    const previous = children[index - 1]
    if (previous?.type === "text") {
      previous.value += node.value
      children.splice(index, 1)
      // The whole text is looked at once more.
      index--
      continue
    }
    if (/[\r\n]/.test(node.value)) node.value = node.value.replace(/[\t ]*(\r?\n|\r)[\t ]*/, "$1")
    if (isLine && index === 0) node.value = node.value.replace(/^[\t ]+/, "")
    if (isLine && index === children.length - 1) node.value = node.value.replace(/[\t ]+$/, "")
    if (node.value === "") children.splice(index, 1)
    else index++
  }
}
