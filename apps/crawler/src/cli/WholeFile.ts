/**
 * A file that is written whole or not at all.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { Problem, whyOf } from "./Problem.ts"

/** The file, written in parts. */
export interface WholeFile {
  readonly append: (text: string) => Effect.Effect<void, Problem>
  /** Puts the file in its place. */
  readonly end: Effect.Effect<void, Problem>
}

/**
 * Makes sure that a file can be written before there is anything to write, and gives the means to write it. `flag` is the one that names it.
 *
 * Until then a file of that name stays as it is; its successor is written next to it and is removed with the scope.
 */
export const open = Effect.fnUntraced(function* (file: string, flag: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const problem = Effect.mapError(
    (error: PlatformError) =>
      new Problem({
        wrong: `cannot write ${file}: ${whyOf(error)}.`,
        advice: `Give ${flag} a file in a folder that you may write to.`
      })
  )
  const found = yield* fs.exists(file).pipe(
    Effect.flatMap((exists) => (exists ? Effect.asSome(fs.stat(file)) : Effect.succeedNone)),
    problem
  )
  if (Option.isSome(found) && found.value.type !== "File") {
    return yield* new Problem({
      wrong: `cannot write ${file}: it is ${found.value.type === "Directory" ? "a folder" : "not a regular file"}.`,
      advice: `Give ${flag} the name of a file.`
    })
  }
  const next = yield* problem(
    fs.makeTempFileScoped({ directory: path.dirname(file), prefix: `.${path.basename(file)}.` })
  )
  return {
    append: (text) => problem(fs.writeFileString(next, text, { flag: "a" })),
    end: problem(fs.rename(next, file))
  } satisfies WholeFile
})
