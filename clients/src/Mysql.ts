/**
 * `mysql2` sending a creation to a server that speaks MySQL's protocol and fails on demand.
 *
 * @since 0.1.0
 */
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import mysql from "mysql2"
import * as Program from "@redrive/testing/Program"
import { ample, brief, thrown } from "./Failed.ts"
import * as Servers from "./Servers.ts"

/** The server's answer to a query: an error packet (number, SQLSTATE, message), a broken connection, or silence. */
type Answer = readonly [errno: number, state: string, message: string] | "reset" | "cut" | "silence"

/** An error packet of the protocol; the first packet of a connection has no SQLSTATE. */
const packet = ([errno, state, message]: readonly [number, string, string], sequence: number): Buffer => {
  const text = Buffer.from(`${state === "" ? "" : `#${state}`}${message}`)
  const head = Buffer.from([text.length + 3, 0, 0, sequence, 0xff, errno % 256, Math.floor(errno / 256)])
  return Buffer.concat([head, text])
}

/** The used part of a server-side connection, which has no types. */
interface Connection {
  readonly stream: Socket
  sequenceId: number
  readonly serverHandshake: (options: object) => void
  readonly on: (event: string, listener: (text: string) => void) => void
}

const hello = {
  protocolVersion: 10,
  serverVersion: "8.0.0",
  connectionId: 1,
  statusFlags: 2,
  characterSet: 8,
  // Everything that the package's server supports, which excludes TLS.
  capabilityFlags: 0xff_ff_ff ^ 0x08_00
}

const answer = (connection: Connection, what: Answer) => {
  if (what === "reset") connection.stream.resetAndDestroy()
  else if (what === "cut") connection.stream.end()
  else if (what !== "silence") connection.stream.write(packet(what, 1))
}

/**
 * Starts a server that looks up its answer by the query's text, and returns its port.
 *
 * @category running
 * @since 0.1.0
 */
export const server = (answers: { readonly [query: string]: Answer }) =>
  Effect.gen(function* () {
    const port = yield* Program.freePort
    const sockets: Array<Connection["stream"]> = []
    yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof mysql.createServer>>((resume) => {
        const server = mysql.createServer(() => undefined)
        server.on("connection", (it: unknown) => {
          const connection = it as Connection
          sockets.push(connection.stream)
          connection.on("error", () => undefined)
          connection.on("query", (text) => answer(connection, answers[text] ?? "silence"))
          const authCallback = (_: unknown, accept: (error: null) => void) => {
            accept(null)
            // Each command counts its packets from 0, which the package's server does not do itself.
            connection.sequenceId = 0
          }
          connection.serverHandshake({ ...hello, authCallback })
        })
        // It accepts the same arguments as a Node.js server, but its types do not say so.
        const listening = server as unknown as { readonly listen: (...to: ReadonlyArray<unknown>) => unknown }
        listening.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
    )
    return port
  })

/**
 * Sends a query over a new connection.
 *
 * @category running
 * @since 0.1.0
 */
export const query = (
  port: number,
  sql: string,
  { connectTimeout = ample, host = "127.0.0.1", timeout }: Options = {}
): Promise<unknown> => {
  const connection = mysql.createConnection({ host, port, user: "x", connectTimeout })
  connection.on("error", () => undefined)
  const asked = new Promise((resolve, reject) => {
    connection.query({ sql, ...(timeout === undefined ? {} : { timeout }) }, (error, rows) => {
      if (error === null) resolve(rows)
      else reject(error)
    })
  })
  return asked.finally(() => connection.destroy())
}

interface Options {
  readonly connectTimeout?: number
  readonly host?: string
  readonly timeout?: number
}

/** Errors of MySQL 8, with the numbers and states of its reference manual. */
const answers: { readonly [query: string]: Answer } = {
  "reset before the answer": "reset",
  "cut within the answer": "cut",
  "server is shutting down": [1053, "08S01", "Server shutdown in progress"],
  deadlock: [1213, "40001", "Deadlock found when trying to get lock; try restarting transaction"],
  "lock wait timeout": [1205, "HY000", "Lock wait timeout exceeded; try restarting transaction"],
  "too many connections of this user": [1203, "42000", "User x already has more than 'max_user_connections'"],
  max_execution_time: [3024, "HY000", "Query execution was interrupted, maximum statement execution time exceeded"],
  "unique violation": [1062, "23000", "Duplicate entry '1' for key 'PRIMARY'"],
  "syntax error": [1064, "42000", "You have an error in your SQL syntax"],
  "no such database": [1049, "42000", "Unknown database 'nowhere'"],
  "wrong password": [1045, "28000", "Access denied for user 'x'"],
  "read-only server": [1290, "HY000", "The MySQL server is running with the --read-only option"]
}

/**
 * All failures of the client.
 *
 * @category running
 * @since 0.1.0
 */
export const failures = Effect.gen(function* () {
  const port = yield* server(answers)
  const refused = yield* Program.freePort
  const deaf = yield* Servers.fullPort
  const full = yield* Servers.tcp((socket) => socket.end(packet([1040, "", "Too many connections"], 0)))
  const calls = [
    thrown("refused connection", () => query(refused, "x")),
    thrown("name that does not exist", () => query(refused, "x", { host: "nowhere.invalid" })),
    thrown("no connection in time", () => query(deaf, "x", { connectTimeout: brief })),
    thrown("no answer in time", () => query(port, "silence", { timeout: brief })),
    thrown("too many connections", () => query(full, "x")),
    ...Object.keys(answers).map((what) => thrown(what, () => query(port, what)))
  ]
  return yield* Effect.all(calls, { concurrency: "unbounded" })
})
