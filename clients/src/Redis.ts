/**
 * A Redis server for the test.
 *
 * @since 0.1.0
 */
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import * as Servers from "./Servers.ts"

/**
 * Whether the machine lacks Redis; prints so once.
 *
 * @category guards
 * @since 0.1.0
 */
export const isMissing = (): boolean => Program.isMissing("redis-server", "redis-server")

const started = Effect.fnUntraced(function* (...more: ReadonlyArray<string>) {
  const port = yield* Program.freePort
  const dir = yield* Servers.folder()
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", dir, "--save", "", ...more]
  yield* Program.run("redis-server", { args, port })
  const info = yield* Program.output("redis-cli", ["-p", `${port}`, "info", "server"])
  return { url: `redis://127.0.0.1:${port}`, pid: Number(/process_id:(\d+)/.exec(info)?.[1]) }
})

/**
 * Runs an empty server that keeps nothing on disk, until the scope closes. Gives its URL, and its process id, by which a test stops it.
 *
 * @category running
 * @since 0.1.0
 */
export const server = started("--appendonly", "no")

/**
 * Runs an empty server that writes each change to the disk before it answers, until the scope closes. Gives what `server` gives.
 *
 * @category running
 * @since 0.1.0
 */
export const durable = started("--appendonly", "yes", "--appendfsync", "always")
