import type { Plain } from "@redrive/core/Plain"

// JSON.stringify escapes what is below a space; the rest of the control characters can move a terminal's cursor too.
// oxlint-disable-next-line no-control-regex
const controls = /[\u007F-\u009F\u2028\u2029]/g

/** Plain data as one line of JSON; what is undefined is left out. */
export const json = (value: { readonly [name: string]: Plain | undefined }): string =>
  JSON.stringify(value).replace(controls, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
