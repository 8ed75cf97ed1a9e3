// What moves the cursor, ends a line, or turns the direction of a text, beyond the controls below a space.
const unseen = "\\u007F-\\u009F\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069"

const beyond = new RegExp(`[${unseen}]`)
const all = new RegExp(`[\\u0000-\\u001F${unseen}]`, "g")

/** A text that cannot move the cursor, change colours, turn what follows, or begin a line of its own. */
export const visible = (text: string): string =>
  text.replace(all, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The same of JSON, which has escaped what is below a space already. */
export const visibleJson = (text: string): string => (beyond.test(text) ? visible(text) : text)
