/**
 * A JSON file that is written whole or not at all.
 */
import * as Effect from "effect/Effect"
import type { Problem } from "./Problem.ts"
import * as WholeFile from "./WholeFile.ts"

/** The file, written in parts: the texts of all pages together may be too large for memory. */
export interface JsonFile {
  /** Writes an object, to which `pages` is added. It has a field at least. */
  readonly begin: (value: object) => Effect.Effect<void, Problem>
  /** Writes one of the pages. */
  readonly page: (page: object) => Effect.Effect<void, Problem>
  /** Puts the file in its place. */
  readonly end: Effect.Effect<void, Problem>
}

/** Makes sure that the file of `--json` can be written, and gives the means to write it. */
export const open = Effect.fnUntraced(function* (file: string) {
  const { append, end } = yield* WholeFile.open(file, "--json")
  let isFirst = true
  return {
    begin: (value) => append(`${JSON.stringify(value, null, 2).slice(0, -"\n}".length)},\n  "pages": [`),
    page: (page) => {
      const text = `${isFirst ? "" : ","}\n    ${JSON.stringify(page)}`
      isFirst = false
      return append(text)
    },
    end: Effect.andThen(append("\n  ]\n}\n"), end)
  } satisfies JsonFile
})
