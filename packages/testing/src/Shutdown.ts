/**
 * Ends a program in several ways, to test which records an adapter has written by then.
 *
 * A process ends once, so each case runs in a process of its own: the program's last step is `end`, and the test starts it with `run`.
 *
 * @since 0.1.0
 */
import { spawn } from "node:child_process"
import process from "node:process"
import * as Effect from "effect/Effect"

/**
 * How a program ends: it returns, gets a SIGTERM from outside, calls `process.exit`, or gets a SIGKILL.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending = "return" | "SIGTERM" | "exit" | "SIGKILL"

/** The line that a program writes when it waits for its SIGTERM. */
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
 * The last step of the program under test: ends the way that its first argument names. Dies if that is not an `Ending`.
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
 * How the program under test is started.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The arguments of the program after the ending. Default: none. */
  readonly args?: ReadonlyArray<string> | undefined
  /** The file descriptor that the program's stderr is written to. Default: the stderr of the test. */
  readonly stderr?: number | undefined
}

/**
 * Runs a JavaScript or TypeScript file with an ending, and returns its exit code, or `null` if a signal ended it.
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
