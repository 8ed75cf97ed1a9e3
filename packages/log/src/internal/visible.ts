import { Buffer } from "node:buffer"

// Control characters above U+0020, line separators and bidirectional control characters.
const unseen = "\\u007F-\\u009F\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069"

const beyond = new RegExp(`[${unseen}]`)
const all = new RegExp(`[\\u0000-\\u001F${unseen}]`, "g")

/** Escapes control characters, so that a text cannot move the cursor, change colors or direction, or begin a new line. */
export const visible = (text: string): string =>
  text.replace(all, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The same for JSON, which has already escaped the characters below a space. */
export const visibleJson = (text: string): string => (isPlain(text) || !beyond.test(text) ? text : visible(text))

/** Whether a long text is ASCII that shows. A pattern takes four times as long to tell. */
const isPlain = (text: string): boolean =>
  text.length > 100 && Buffer.byteLength(text) === text.length && !text.includes("\u007F")

// What JSON or a terminal must not have as it is, and surrogates, of which a half may stand alone.
const special = new RegExp(`["\\\\\\u0000-\\u001F${unseen}\\uD800-\\uDFFF]`)

/** Whether a text is the same in JSON, within quotes. */
export const isSameInJson = (text: string): boolean => !special.test(text)

// Control characters below U+0020, besides the line feed.
const low = "\\u0000-\\u0009\\u000B-\\u001F"
const control = new RegExp(`[${low}]`)

/** Whether a long text, such as a stack, is the same in JSON but for the ends of its lines. */
export const areSameLinesInJson = (text: string): boolean =>
  isPlain(text) && !text.includes('"') && !text.includes("\\") && !control.test(text)
