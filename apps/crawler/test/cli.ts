import { spawn } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"

export const main = join(import.meta.dirname, "../src/main.ts")

/** What a run of the command line came to. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the command line as a process of its own; `onStderr` sees all that was written so far and may interrupt or kill it. Its tables have
 * room, unless `columns` says how much. `env` is added to the environment.
 */
export const run = (
  args: ReadonlyArray<string>,
  onStderr: (text: string, interrupt: () => void, kill: () => void) => void = () => undefined,
  columns = "500",
  env: Readonly<Record<string, string>> = {}
) =>
  Effect.callback<Ran>((resume) => {
    const flags = ["--disable-warning=ExperimentalWarning", main]
    const child = spawn(process.execPath, [...flags, ...args], {
      env: { ...process.env, COLUMNS: columns, ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
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
      onStderr(stderr, interrupt, () => child.kill("SIGKILL"))
    })
    child.once("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** A `serve` that runs until the scope closes. */
export interface Served {
  readonly url: string
  readonly pid: number
  /** Stops it as a person or a supervisor would (SIGTERM), and waits until it has ended; gives its exit code, if no signal ended it. */
  readonly stop: (signal?: NodeJS.Signals) => Effect.Effect<number | null>
}

/** Starts `serve` on a free port, as a process of its own; `node` are flags of Node.js. Fails with its output if it ends at once. */
export const serving = Effect.fnUntraced(function* (args: ReadonlyArray<string>, node: ReadonlyArray<string> = []) {
  const flags = ["--disable-warning=ExperimentalWarning", ...node, main, "serve", "--port", "0"]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [...flags, ...args], { stdio: ["ignore", "pipe", "pipe"] })),
    (child) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return gone
      })
  )
  const gone = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)))
  const url = yield* Effect.callback<string, string>((resume) => {
    let written = ""
    const see = (chunk: Buffer) => {
      written += chunk.toString()
      const [, found] = /on (http:\/\/127\.0\.0\.\d:\d+)/.exec(written) ?? []
      if (found !== undefined) resume(Effect.succeed(found))
    }
    child.stdout.on("data", see)
    child.stderr.on("data", see)
    child.once("close", () => resume(Effect.fail(written)))
  })
  const stop = (signal: NodeJS.Signals = "SIGTERM") =>
    Effect.promise(() => {
      child.kill(signal)
      return gone
    })
  return { url, pid: child.pid ?? 0, stop } satisfies Served
})
