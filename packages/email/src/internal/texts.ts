import * as Plain from "@redrive/core/Plain"

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

/** A text of at most so many characters; one that was longer says so. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${Plain.cut(text, most - 1)}…`
