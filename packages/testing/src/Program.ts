/**
 * Runs programs that are installed on the machine, such as nginx or Redis, for tests against the real thing.
 *
 * A test is skipped, with a line on stderr, if the program is not installed. A program runs for as long as a scope, on 127.0.0.1 only.
 *
 * @since 0.1.0
 */
import { spawn, spawnSync } from "node:child_process"
import { connect } from "node:net"
import { delimiter } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { closedPort, portOf } from "./internal/server.ts"

/**
 * A program could not be started, ended before it was ready, or failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProgramError extends Schema.TaggedError<ProgramError>("@redrive/testing/Program/ProgramError")(
  "ProgramError",
  {
    /** The name of the program. */
    name: Schema.String,
    /** The last 2000 characters that it wrote to stdout and stderr, or the reason that it did not start. */
    output: Schema.String
  }
) {
  override get message(): string {
    return `${this.name} did not start: ${this.output}`
  }
}

/**
 * How a program is started, and when it is ready.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The arguments of the program. No default. */
  readonly args: ReadonlyArray<string>
  /** The port of 127.0.0.1 that it listens on once it is ready. Default: it is ready at once. */
  readonly port?: number | undefined
}

// Debian installs servers in folders that are not on every user's path.
const env = { ...process.env, PATH: [process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter) }

const said = new Set<string>()

/**
 * Whether a program is not installed. If so, one line on stderr says that tests are skipped, and names the Debian package to install.
 *
 * @category guards
 * @since 0.1.0
 */
export const isMissing = (name: string, debianPackage: string): boolean => {
  if (spawnSync(name, ["--version"], { env, stdio: "ignore" }).error === undefined) return false
  if (!said.has(name))
    process.stderr.write(`skipped: tests with ${name}, which is not installed (apt-get install ${debianPackage})\n`)
  said.add(name)
  return true
}

/**
 * A TCP port of 127.0.0.1 that nothing listens on.
 *
 * @category running
 * @since 0.1.0
 */
export const freePort: Effect.Effect<number> = closedPort

/**
 * The methods of a Node.js HTTP server that `serve` uses.
 *
 * @category models
 * @since 0.1.0
 */
export interface Server {
  /** Starts to listen; port 0 takes any free port. */
  readonly listen: (port: number, host: string, listening: () => void) => unknown
  /** The address that it listens on, with its port. */
  readonly address: () => unknown
  /** Stops listening, and calls back when every connection has ended. */
  readonly close: (closed: () => void) => unknown
  /** Ends every connection at once. */
  readonly closeAllConnections: () => void
}

/**
 * Lets a test's own server listen on a free port of 127.0.0.1, and returns its URL. When the scope closes, every connection is cut.
 *
 * @category running
 * @since 0.1.0
 */
export const serve = (server: Server): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(`http://127.0.0.1:${portOf(server)}/`)))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

/** The longest wait for a program to be ready: 10 seconds. */
const patience = Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(500)])

/**
 * Starts a program, and waits until it is ready. When the scope closes, it gets a SIGTERM, and its end is awaited.
 *
 * @category running
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function* (
  name: string,
  { args, port }: Options
): Effect.fn.Return<void, ProgramError, Scope.Scope> {
  let output = ""
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(name, args, { env, stdio: ["ignore", "pipe", "pipe"] })),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGTERM")
      })
  )
  const keep = (chunk: Buffer) => (output = `${output}${chunk.toString()}`.slice(-2000))
  child.stdout.on("data", keep)
  child.stderr.on("data", keep)
  const ended = Effect.callback<never, ProgramError>((resume) => {
    const fail = () => resume(Effect.fail(new ProgramError({ name, output })))
    child.once("error", fail)
    child.once("exit", fail)
  })
  const isReady = port === undefined ? Effect.void : Effect.retry(listening(port), patience)
  const tooLate = () => new ProgramError({ name, output: `it does not listen on port ${port}; ${output}` })
  yield* Effect.raceFirst(Effect.mapError(isReady, tooLate), ended)
})

const listening = (port: number): Effect.Effect<void, unknown> =>
  Effect.callback((resume) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.once("error", (error) => resume(Effect.fail(error)))
  })

/**
 * Runs a program to its end with a text on stdin (none), and returns its stdout. Fails unless it exits with 0.
 *
 * @category running
 * @since 0.1.0
 */
export const output = (name: string, args: ReadonlyArray<string>, input = ""): Effect.Effect<string, ProgramError> =>
  Effect.suspend(() => {
    const { error, status, stderr, stdout } = spawnSync(name, args, { encoding: "utf8", env, input })
    return error === undefined && status === 0
      ? Effect.succeed(stdout)
      : Effect.fail(new ProgramError({ name, output: error?.message ?? stderr }))
  })
