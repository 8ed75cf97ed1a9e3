/** Signs that end a line, steer a terminal, or turn the direction of the text around them. */
const unruly = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]+/gu

/** A text as one line. */
export const line = (text: string): string => text.toWellFormed().replace(unruly, " ").trim()

/** A text of several lines, with nothing but text in them. */
export const lines = (text: string): string =>
  text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map(line)
    .join("\n")

/** A text of at most so many characters; one that was longer says so. A character of two units is not cut in half. */
export const cut = (text: string, most: number): string => {
  if (text.length <= most) return text
  const end = most - 1
  const code = text.charCodeAt(end - 1)
  return `${text.slice(0, code >= 0xd800 && code <= 0xdbff ? end - 1 : end)}…`
}
