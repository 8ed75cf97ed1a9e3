/**
 * Escapes the texts and addresses of Markdown.
 *
 * `mdast-util-to-markdown` searches each of them with some forty expressions, one after the other, for what Markdown would take for its own. Here one
 * expression tells that there is nothing of that kind, as in most; the others are searched only for characters that occur in them. A test compares
 * the results.
 */
import { defaultHandlers, type Handle, type SafeConfig } from "mdast-util-to-markdown"

/** Writes a page whose texts are escaped here. */
export const root: Handle = (node, parent, state, info) => {
  const { safe, unsafe } = state
  state.safe = (value, config) => {
    const text = value ?? ""
    const construct = state.stack.at(-1) ?? ""
    if (isPlain(text, construct, config)) return text
    // An address as text is encoded, and not escaped.
    if (construct === "autolink") return safe.call(state, value, config)
    state.unsafe = unsafe.filter(({ character }) => text.includes(character))
    const escaped = safe.call(state, value, config)
    state.unsafe = unsafe
    return escaped
  }
  return defaultHandlers.root(node, parent, state, info)
}

/** Whether a text surely needs no escapes, by the innermost construct that it stands in, and the characters around it. */
const isPlain = (text: string, construct: string, { after, before }: SafeConfig): boolean => {
  if (construct === "destinationRaw") return !/[\0-\x20&()[\\\]|]/.test(text)
  if (!lines.has(construct) || special.test(text)) return false
  return !(/[\r\n]$/.test(before) && specialAtStart.test(text)) && !(/^[\r\n]/.test(after) && text.endsWith(" "))
}

/** Constructs of text in a line. */
const lines: ReadonlySet<string> = new Set("emphasis label phrasing strikethrough strong".split(" "))

/** Anything that may need an escape within a line, whatever comes before and after the text. */
const special = /[\t\n\r*@[\\\]_`|~]|!(?:\[|$)|&(?:[#A-Za-z]|$)|<(?:[!/?A-Za-z]|$)|[Ww]\.|[ps]:(?:\/|$)|^[(.:]|#$/

/** Anything more that may need one at the beginning of a line. */
const specialAtStart = /^(?:[ #+:<=>-]|\d+[).])/
