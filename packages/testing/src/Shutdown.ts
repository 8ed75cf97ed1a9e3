/**
 * Ends of programs, for tests of what an adapter has told by then.
 *
 * A process ends once, so each case is a program of its own: a file that does its work and then `end`, which a test runs with `run`.
 *
 * @since 0.1.0
 */
import { spawn } from "node:child_process"
import process from "node:process"
import * as Effect from "effect/Effect"

/**
 * By itself, by a SIGTERM that somebody sends, by `process.exit`, or by a SIGKILL.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending = "return" | "SIGTERM" | "exit" | "SIGKILL"

/** What a program that waits for its signal says. */
const ready = "ready for a SIGTERM\n"

const ends: { readonly [ending in Ending]: Effect.Effect<void> } = {
  return: Effect.void,
  SIGTERM: Effect.andThen(
    Effect.sync(() => process.stdout.write(ready)),
    Effect.never
  ),
  exit: Effect.sync(() => process.exit(0)),
  SIGKILL: Effect.andThen(
    Effect.sync(() => process.kill(process.pid, "SIGKILL")),
    Effect.never
  )
}

const isEnding = (text: string | undefined): text is Ending => text !== undefined && Object.hasOwn(ends, text)

/**
 * The last step of the program under test: ends as its first argument says. Dies of any other argument.
 *
 * @category running
 * @since 0.1.0
 */
export const end: Effect.Effect<void> = Effect.suspend(() => {
  const [, , ending] = process.argv
  if (isEnding(ending)) return ends[ending]
  return Effect.die(new Error(`the first argument is to be one of ${Object.keys(ends).join(", ")}, not ${ending}`))
})

/**
 * `args` of the program after the first one (none); `stderr` is an open file for its standard error (the test's own).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly args?: ReadonlyArray<string> | undefined
  readonly stderr?: number | undefined
}

/**
 * Runs a file of JavaScript or TypeScript to the end that its `end` leads to, and gives its exit code: `null` if a signal ended it.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (file: string, ending: Ending, { args = [], stderr }: Options = {}): Effect.Effect<number | null> =>
  Effect.callback((resume) => {
    const child = spawn(process.execPath, [file, ending, ...args], { stdio: ["ignore", "pipe", stderr ?? "inherit"] })
    let said = ""
    child.stdout?.on("data", (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-ready.length)
      if (said === ready) child.kill("SIGTERM")
    })
    child.once("error", (error) => resume(Effect.die(error)))
    child.once("close", (code) => resume(Effect.succeed(code)))
    return Effect.sync(() => child.kill("SIGKILL"))
  })
