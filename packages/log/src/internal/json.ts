import type { Plain } from "@redrive/core/Plain"
import { visibleJson } from "./visible.ts"

/** Plain data as one line of JSON, without undefined fields. */
export const json = (value: { readonly [name: string]: Plain | undefined }): string =>
  visibleJson(JSON.stringify(value))
