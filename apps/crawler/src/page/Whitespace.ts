/**
 * White space that a browser would not show, taken out of a page's tree.
 *
 * `hast-util-to-mdast` does the same by `hast-util-minify-whitespace`, on a copy of the tree. That library asks some eighty functions whether a node is a
 * block, which took a fifth of the time of a page. A test compares the results.
 */
import type { Element, ElementContent, Root, Text } from "hast"

/** Puts back what was taken out. */
export type Undo = () => void

/** Takes white space out of a shaped tree. The tree is changed. */
export const minify = (tree: Root): Undo => {
  const changes: Array<Undo> = []
  all(tree, { before: true, after: true, mode: "normal", changes })
  return () => {
    for (const undo of changes.toReversed()) undo()
  }
}

/** How white space counts: as one space, as one that stays even at the ends of a line, or as it is. */
type Mode = "normal" | "nowrap" | "pre"

interface Around {
  /** Whether a space at the beginning would not be shown. */
  readonly before: boolean
  /** Whether a space at the end would not be shown. */
  readonly after: boolean
  readonly mode: Mode
  readonly changes: Array<Undo>
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(" "))

/** Elements that begin and end a line. */
const blocks = names(
  "address article aside blockquote body br caption center col colgroup dd dialog dir div dl dt figcaption figure footer form h1 h2 h3 h4 " +
    "h5 h6 head header hgroup hr html legend li listing main menu nav ol optgroup option p plaintext pre section summary table tbody td " +
    "tfoot th thead tr ul wbr xmp"
)

/** Elements that show something in a line, whatever they hold. */
const contents = names("audio button canvas embed iframe img input math object picture select svg textarea video")

/** Elements that show nothing. */
const skippable = names(
  "area base basefont datalist dialog head link meta noembed noframes param rp script source style template title track"
)

/** Takes white space out of what an element holds. Gives whether a space after it would not be shown. */
const all = (parent: Root | Element, around: Around): boolean => {
  const children: ReadonlyArray<Root["children"][number]> = parent.children
  let { before } = around
  let kept: Array<ElementContent> | undefined
  for (const [index, child] of children.entries()) {
    const place = { siblings: children, index, before }
    const ended = child.type === "text" ? ofText(child, place, around) : ofElement(child, place, around)
    if (ended === undefined) kept ??= children.slice(0, index) as Array<ElementContent>
    else {
      kept?.push(child as ElementContent)
      before = ended
    }
  }
  if (kept !== undefined) replace(parent, kept, around.changes)
  return before || around.after
}

/** Where a node stands: `before` says whether a space at its beginning would not be shown. */
interface Place {
  readonly siblings: ReadonlyArray<Root["children"][number]>
  readonly index: number
  readonly before: boolean
}

/** Whether a space after an element would not be shown. */
const ofElement = (node: Root["children"][number], place: Place, { after, changes, mode }: Around): boolean => {
  if (node.type !== "element") return place.before
  const isBlock = blocks.has(node.tagName)
  const ended = all(node, {
    before: isBlock || place.before,
    after: isBlock || isCollapsed(place, after),
    mode: modeOf(node, mode),
    changes
  })
  return ended && !contents.has(node.tagName)
}

/** Whether a space after a text would not be shown; `undefined` if nothing is left of the text. */
const ofText = (node: Text, place: Place, { after, changes, mode }: Around): boolean | undefined => {
  if (mode === "pre") return false
  const value = collapse(node.value)
  if (mode === "nowrap") {
    change(node, value, changes)
    return false
  }
  const start = place.before && value.startsWith(" ") ? 1 : 0
  const endsWithSpace = value.length > start && value.endsWith(" ")
  const isCut = endsWithSpace && isCollapsed(place, after)
  const text = value.slice(start, isCut ? -1 : undefined)
  if (text === "") return undefined
  change(node, text, changes)
  return endsWithSpace && !isCut
}

const replace = (parent: Root | Element, kept: Array<ElementContent>, changes: Array<Undo>): void => {
  const old = parent.children as Array<ElementContent>
  parent.children = kept
  changes.push(() => {
    parent.children = old
  })
}

const change = (node: Text, value: string, changes: Array<Undo>): void => {
  const old = node.value
  if (old === value) return
  node.value = value
  changes.push(() => {
    node.value = old
  })
}

const collapse = (value: string): string =>
  /[\t\n\v\f\r]| {2}/.test(value) ? value.replace(/[\t\n\v\f\r ]+/g, " ") : value

/** Whether a space at the end of a node would not be shown: by the first node after it that shows something, or ends the line. */
const isCollapsed = ({ index, siblings }: Place, after: boolean): boolean => lookAhead(siblings, index + 1) ?? after

const lookAhead = (nodes: Place["siblings"], from: number): boolean | undefined => {
  for (let index = from; index < nodes.length; index++) {
    const node = nodes[index]
    if (node?.type === "text" && /[^ \t\n\f\r]/.test(node.value)) return false
    if (node?.type !== "element") continue
    if (contents.has(node.tagName)) return false
    if (blocks.has(node.tagName)) return true
    if (Boolean(node.properties.hidden) || skippable.has(node.tagName)) continue
    const inner = lookAhead(node.children, 0)
    if (inner !== undefined) return inner
  }
  return undefined
}

const modeOf = ({ properties, tagName }: Element, mode: Mode): Mode => {
  switch (tagName) {
    case "listing":
    case "plaintext":
    case "pre":
    case "script":
    case "style":
    case "textarea":
    case "xmp":
      return "pre"
    case "nobr":
      return "nowrap"
    case "td":
    case "th":
      return properties.noWrap ? "nowrap" : mode
    default:
      return mode
  }
}
