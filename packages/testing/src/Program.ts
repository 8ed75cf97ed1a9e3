/**
 * Programs of the machine, for tests against the real thing: nginx, Redis, a DNS server.
 *
 * A test asks whether the program is there, says so when it is skipped, and runs it for as long as a scope. Everything stays on
 * 127.0.0.1.
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
 * A program ended before it was ready; `output` is the end of what it wrote, on both streams.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProgramError extends Schema.TaggedError<ProgramError>("@redrive/testing/Program/ProgramError")(
  "ProgramError",
  { name: Schema.String, output: Schema.String }
) {
  override get message(): string {
    return `${this.name} did not start: ${this.output}`
  }
}

/**
 * `args` of the program; the `port` of 127.0.0.1 that it is ready on (it is ready at once).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly args: ReadonlyArray<string>
  readonly port?: number | undefined
}

// Where Debian keeps servers, which is not on everybody's path.
const env = { ...process.env, PATH: [process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter) }

const said = new Set<string>()

/**
 * Whether the machine lacks a program. Says once, on the standard error, that tests are skipped, and the package that would help.
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
 * What is used of an HTTP server of Node.js.
 *
 * @category models
 * @since 0.1.0
 */
export interface Server {
  readonly listen: (port: number, host: string, listening: () => void) => unknown
  readonly address: () => unknown
  readonly close: (closed: () => void) => unknown
  readonly closeAllConnections: () => void
}

/**
 * Lets a server of the test's own listen for as long as the scope, on a free port of 127.0.0.1, and gives its URL. At the end every connection
 * is cut.
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

/** No longer is a starting program waited for. */
const patience = Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(500)])

/**
 * Runs a program for as long as the scope, once it is ready. At the end it is asked to stop, and waited for.
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
 * Runs a program to its end, with an `input` on its standard one (nothing), and gives what it wrote on its standard output.
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
