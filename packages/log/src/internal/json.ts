import type { Plain } from "@redrive/core/Plain"
import { areSameLinesInJson, isSameInJson, visibleJson } from "./visible.ts"

/** Plain data as one line of JSON, without undefined fields. */
export const json = (value: { readonly [name: string]: Plain | undefined }): string =>
  visibleJson(JSON.stringify(value))

/** A text as JSON. Most are the same within quotes. A stack takes `JSON.stringify` half as long again. */
export const quoted = (text: string): string => {
  if (isSameInJson(text)) return `"${text}"`
  return areSameLinesInJson(text) ? `"${text.split("\n").join("\\n")}"` : visibleJson(JSON.stringify(text))
}
