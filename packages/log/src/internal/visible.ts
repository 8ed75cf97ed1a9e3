// What moves the cursor, ends a line, or turns the direction of a text, beyond the controls below a space.
const unseen = "\\u007F-\\u009F\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069"

const beyond = new RegExp(`[${unseen}]`)
const all = new RegExp(`[\\u0000-\\u001F${unseen}]`, "g")

/** A text that cannot move the cursor, change colours, turn what follows, or begin a line of its own. */
export const visible = (text: string): string =>
  text.replace(all, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The same of JSON, which has escaped what is below a space already. */
export const visibleJson = (text: string): string => (beyond.test(text) ? visible(text) : text)

/** What takes no column, or two. */
const widths =
  /(\p{Mark}|\u200B|\u200D|\uFE0F)|([\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation})|./gsu

/** How many columns of a terminal a text takes. */
export const columnsOf = (text: string): number => {
  let columns = 0
  for (const [, none, wide] of text.matchAll(widths)) columns += none !== undefined ? 0 : wide !== undefined ? 2 : 1
  return columns
}
