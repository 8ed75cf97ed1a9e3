import { spawn } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"

const main = join(import.meta.dirname, "../src/main.ts")

/** What a run of the command line came to. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line as a process of its own; `onStderr` sees all that was written so far and may interrupt it. */
export const run = (
  args: ReadonlyArray<string>,
  onStderr: (text: string, interrupt: () => void) => void = () => undefined
) =>
  Effect.callback<Ran>((resume) => {
    const flags = ["--disable-warning=ExperimentalWarning", main]
    const child = spawn(process.execPath, [...flags, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    let stdout = ""
    let stderr = ""
    let interrupted = false
    // A second one would end the process at once, as a person means it to.
    const interrupt = () => {
      if (!interrupted) child.kill("SIGINT")
      interrupted = true
    }
    child.stdout.on("data", (chunk) => (stdout += chunk))
    child.stderr.on("data", (chunk) => {
      stderr += chunk
      onStderr(stderr, interrupt)
    })
    child.once("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })
