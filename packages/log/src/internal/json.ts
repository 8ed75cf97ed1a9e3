import type { Plain } from "@redrive/core/Plain"
import { visibleJson } from "./visible.ts"

/** Plain data as one line of JSON; what is undefined is left out. */
export const json = (value: { readonly [name: string]: Plain | undefined }): string =>
  visibleJson(JSON.stringify(value))
