/**
 * A JSON file that is written whole or not at all.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { Problem } from "./Problem.ts"

/**
 * Makes sure that a file can be written before there is anything to write, and gives the means to write it.
 *
 * Until then a file of that name stays as it is; its successor is written next to it and is removed with the scope.
 */
export const open = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const problem = Effect.mapError(
    (error: PlatformError) =>
      new Problem({
        wrong: `cannot write ${file}: ${error.reason._tag}.`,
        advice: "Give --json a file in a folder that you may write to."
      })
  )
  if (
    yield* fs.exists(file).pipe(
      Effect.flatMap((exists) => (exists ? isFolder(fs, file) : Effect.succeed(false))),
      problem
    )
  ) {
    return yield* new Problem({
      wrong: `cannot write ${file}: it is a folder.`,
      advice: "Give --json the name of a file."
    })
  }
  const next = yield* problem(
    fs.makeTempFileScoped({ directory: path.dirname(file), prefix: `.${path.basename(file)}.` })
  )
  return (value: unknown) =>
    problem(Effect.andThen(fs.writeFileString(next, `${JSON.stringify(value, null, 2)}\n`), fs.rename(next, file)))
})

const isFolder = (fs: FileSystem.FileSystem, file: string) =>
  Effect.map(fs.stat(file), ({ type }) => type === "Directory")
