import type { Plain } from "@redrive/core/Plain"
import { isSameInJson, visibleJson } from "./visible.ts"

/** Plain data as one line of JSON, without undefined fields. */
export const json = (value: { readonly [name: string]: Plain | undefined }): string =>
  visibleJson(JSON.stringify(value))

/** A text as JSON. Most texts are the same within quotes. */
export const quoted = (text: string): string => (isSameInJson(text) ? `"${text}"` : visibleJson(JSON.stringify(text)))

/** A value as JSON, without undefined fields; undefined for what JSON has no form for. */
export const textOf = (value: Plain | undefined): string | undefined => {
  if (typeof value === "string") return quoted(value)
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return String(value)
  const text: string | undefined = JSON.stringify(value)
  return text === undefined ? undefined : visibleJson(text)
}
