/**
 * A PostgreSQL server for the test, and its client `pg` sending a creation to it.
 *
 * @since 0.1.0
 */
import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { Client, type ClientConfig } from "pg"
import * as Program from "@redrive/testing/Program"
import { ample, brief, type Failed, thrown } from "./Failed.ts"
import * as Servers from "./Servers.ts"

/** The folders in which Debian keeps the server's programs, the newest version first. */
const folderOf = (): string => {
  try {
    const root = "/usr/lib/postgresql"
    const versions = readdirSync(root).toSorted((one, other) => Number(other) - Number(one))
    return versions[0] === undefined ? "" : join(root, versions[0], "bin")
  } catch {
    return ""
  }
}

const programs = folderOf()

/**
 * Whether the machine lacks PostgreSQL's server; prints so once.
 *
 * @category guards
 * @since 0.1.0
 */
export const isMissing = (): boolean => Program.isMissing(join(programs, "postgres"), "postgresql")

/** The server refuses to run as root, so another user owns it then. */
const ownerOf = () => {
  if (process.getuid?.() !== 0) return undefined
  return { uid: idOf("-u"), gid: idOf("-g") }
}

const idOf = (which: string) => Number(execFileSync("id", [which, "nobody"], { encoding: "utf8" }))

/** A program and its arguments, to run as the server's owner. */
const owned = (owner: ReturnType<typeof ownerOf>, program: string, args: ReadonlyArray<string>) => {
  const path = join(programs, program)
  if (owner === undefined) return [path, args] as const
  return ["setpriv", [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups", path, ...args]] as const
}

/**
 * Runs a server with an empty database until the scope closes, and returns how to connect (`config`), and how to end the server and start it
 * again. `stop` ends its connections and writes everything to disk; `crash` does not. It trades durability for speed, unless `more` sets `fsync` to `on`.
 *
 * @category running
 * @since 0.1.0
 */
export const instance = Effect.fnUntraced(function* (
  certificate: Servers.Certificate | undefined,
  more: Readonly<Record<string, string>> = {}
) {
  const owner = ownerOf()
  const path = yield* Servers.folder(owner)
  const data = join(path, "data")
  const initdb = owned(owner, "initdb", ["-D", data, "-U", "admin", "-A", "trust", "--no-sync", "-E", "UTF8"])
  yield* Program.output(initdb[0], initdb[1])
  if (certificate !== undefined) {
    for (const [name, text] of Object.entries({ "server.key": certificate.key, "server.crt": certificate.cert })) {
      writeFileSync(join(data, name), text)
      if (owner !== undefined) chownSync(join(data, name), owner.uid, owner.gid)
      chmodSync(join(data, name), 0o600)
    }
  }
  const port = yield* Program.freePort
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: "off",
    deadlock_timeout: "50ms",
    ssl: certificate === undefined ? "off" : "on",
    ...more
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const [program, args] = owned(owner, "postgres", ["-D", data, "-p", String(port), ...options])
  const config = { host: "127.0.0.1", port, user: "admin", database: "postgres", connectionTimeoutMillis: ample }
  let running = yield* Scope.make()
  let isRunning = false
  const start = Effect.gen(function* () {
    running = yield* Scope.make()
    isRunning = true
    yield* Scope.provide(Program.run(program, { args, port }), running)
    // The server listens before it is ready, and refuses connections until then.
    yield* Effect.retry(
      Effect.tryPromise(() => query(config, "SELECT 1")),
      Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(500)])
    )
  })
  const end = (signal: NodeJS.Signals) =>
    Effect.suspend(() => {
      const [pid] = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")
      process.kill(Number(pid), signal)
      isRunning = false
      return Scope.close(running, Exit.void)
    })
  // Nobody reads its files again, so it need not write them.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() =>
      isRunning && existsSync(join(data, "postmaster.pid")) ? end("SIGQUIT") : Scope.close(running, Exit.void)
    )
  )
  yield* start
  return { config, start, stop: end("SIGINT"), crash: end("SIGQUIT") }
})

/**
 * Runs a server with an empty database until the scope closes, and returns how to connect.
 *
 * @category running
 * @since 0.1.0
 */
export const server = (certificate: Servers.Certificate | undefined, more: Readonly<Record<string, string>> = {}) =>
  Effect.map(instance(certificate, more), ({ config }) => config)

/**
 * Databases of one server, which is started for the first test of a file that asks for one, and ends with the file: `databases(afterAll)`. Makes an
 * empty database, and returns how to connect; the database goes with its scope. A server takes some seconds to make, a database none.
 *
 * @category running
 * @since 0.1.0
 */
export const databases = (atEnd: (end: () => Promise<void>) => void): Effect.Effect<Config, never, Scope.Scope> => {
  const scope = Scope.makeUnsafe()
  let started: Promise<Config> | undefined
  let count = 0
  atEnd(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return Effect.acquireRelease(
    Effect.promise(async () => {
      const config = await (started ??= Effect.runPromise(Scope.provide(server(undefined), scope)))
      const database = `test_${++count}`
      await query(config, `CREATE DATABASE ${database}`)
      return { ...config, database }
    }),
    ({ database, ...config }) =>
      // A process that a test has killed may still be connected, for all that the server knows.
      Effect.promise(() => query({ ...config, database: "postgres" }, `DROP DATABASE ${database} WITH (FORCE)`))
  )
}

/** How to connect to a server. */
type Config = Effect.Success<ReturnType<typeof server>>

/** Connects, runs the work and disconnects. */
const using = async <A>(config: ClientConfig, work: (client: Client) => Promise<A>): Promise<A> => {
  const client = new Client(config)
  // A lost connection fails the query and also emits an event, which ends the process if nothing listens.
  client.on("error", () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * Runs statements, one after the other.
 *
 * @category running
 * @since 0.1.0
 */
export const query = (config: ClientConfig, ...texts: ReadonlyArray<string>): Promise<void> =>
  using(config, async (client) => {
    for (const text of texts) await client.query(text)
  })

/**
 * Makes the server itself raise an error with a SQLSTATE.
 *
 * @category running
 * @since 0.1.0
 */
export const raise = (config: ClientConfig, state: string) =>
  thrown(state, () => query(config, `DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${state}'; END $$`))

/** The timeout, in milliseconds, of a query that takes a second. */
const soon = 200

const insert = "INSERT INTO charge (id) VALUES (1)"

const lock = (client: Client, id: number) => client.query(`UPDATE charge SET n = n + 1 WHERE id = ${id}`)

/** Runs two transactions that lock two rows in opposite order. */
const deadlock = (config: ClientConfig) =>
  using(config, (first) =>
    using(config, async (second) => {
      for (const client of [first, second]) await client.query("BEGIN")
      await Promise.all([lock(first, 1), lock(second, 2)])
      await Promise.all([lock(first, 2), lock(second, 1)])
    })
  )

/** Updates a row that another transaction has changed since this one began. */
const conflict = (config: ClientConfig) =>
  using(config, async (client) => {
    await client.query("BEGIN ISOLATION LEVEL SERIALIZABLE")
    await client.query("SELECT * FROM charge")
    await query(config, "UPDATE charge SET n = n + 1 WHERE id = 1")
    await client.query("UPDATE charge SET n = n + 1 WHERE id = 1")
  })

/** Locks a row that another transaction has locked. */
const locked = (config: ClientConfig) =>
  using(config, async (client) => {
    await client.query("BEGIN")
    await client.query("SELECT * FROM charge WHERE id = 1 FOR UPDATE")
    await query(config, "SELECT * FROM charge WHERE id = 1 FOR UPDATE NOWAIT")
  })

/** Runs a query whose connection the server's operator terminates. */
const terminated = (config: ClientConfig) =>
  using(config, async (client) => {
    const found = await client.query<{ readonly pid: number }>("SELECT pg_backend_pid() AS pid")
    const sleeping = client.query("SELECT pg_sleep(1)")
    await Promise.all([sleeping, query(config, `SELECT pg_terminate_backend(${found.rows[0]?.pid})`)])
  })

/**
 * All failures of the client.
 *
 * @category running
 * @since 0.1.0
 */
export const failures = Effect.fnUntraced(function* (certificate: Servers.Certificate | undefined) {
  const config = yield* server(certificate)
  const refused = yield* Program.freePort
  const deaf = yield* Servers.fullPort
  const reset = yield* Servers.tcp((socket) => socket.once("data", () => socket.resetAndDestroy()))
  yield* Effect.promise(() =>
    query(
      config,
      "CREATE TABLE charge (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
      "INSERT INTO charge (id) VALUES (1), (2)",
      "CREATE ROLE busy LOGIN CONNECTION LIMIT 0"
    )
  )
  const rows: ReadonlyArray<readonly [what: string, call: () => Promise<unknown>]> = [
    ["refused connection", () => query({ ...config, port: refused }, insert)],
    ["name that does not exist", () => query({ ...config, host: "nowhere.invalid" }, insert)],
    ["no connection in time", () => query({ ...config, port: deaf, connectionTimeoutMillis: brief }, insert)],
    ["no answer in time", () => query({ ...config, query_timeout: soon }, "SELECT pg_sleep(1)")],
    ["statement_timeout", () => query({ ...config, statement_timeout: soon }, "SELECT pg_sleep(1)")],
    ["reset before the answer", () => query({ ...config, port: reset }, insert)],
    ["ended by the operator within the query", () => terminated(config)],
    ["too many connections", () => query({ ...config, user: "busy" }, insert)],
    ["deadlock", () => deadlock(config)],
    ["serialization failure", () => conflict(config)],
    ["lock not available", () => locked(config)],
    ["unique violation", () => query(config, insert)],
    ["syntax error", () => query(config, "INSERT charge")],
    ["no such database", () => query({ ...config, database: "nowhere" }, insert)],
    ["no such role", () => query({ ...config, user: "nobody" }, insert)]
  ]
  const ssl: ReadonlyArray<(typeof rows)[number]> =
    certificate === undefined ? [] : [["untrusted certificate", () => query({ ...config, ssl: true }, insert)]]
  const failed: Array<Failed> = []
  for (const [what, call] of [...rows, ...ssl]) failed.push(yield* thrown(what, call))
  return failed
})
