#!/usr/bin/env bash
# With a `socketTimeout`, the Redis layer of @effect/platform-node closes for good once it was idle for that long.
#
# Versions: @effect/platform-node 4.1.0, effect 4.1.0, redis 6.3.1 (npm), redis-server 7.0.15 (Debian 12), Node.js 22.23.2.
#
# node-redis's `socketTimeout` is a time without any byte, not a time without an answer, so a healthy idle connection runs into it.
# The layer's `reconnectStrategy`, like node-redis's own, reconnects after every other error, but returns `false` for a SocketTimeoutError.
# Every later command fails with ClientClosedError, although the server was there all along. A `pingInterval` below the timeout keeps an
# idle connection open, and a custom `reconnectStrategy` reconnects.
#
# Output seen:
#   socketTimeout 400, idle for 1 s: ClientClosedError
#   and pingInterval 100: PONG
#   and a reconnectStrategy in place of the pingInterval: PONG
#
# Run it: bash findings/effect-node-redis-socket-timeout.sh (needs npm, redis-server). Exits 1 if the behaviour has changed.
set -euo pipefail
export PATH=$PATH:/usr/sbin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
script=$(realpath "$0")
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund effect@4.1.0 @effect/platform-node@4.1.0 redis@6.3.1
cat > run.mjs <<'JS'
import { spawn } from "node:child_process"
import { createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"
import * as References from "effect/References"

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
const server = spawn("redis-server", args, { stdio: "ignore" })
await sleep(500)

const afterIdling = (options) => {
  const socket = { host: "127.0.0.1", port, socketTimeout: 400, ...options.socket }
  const program = Effect.gen(function* () {
    const redis = yield* Redis.Redis
    yield* redis.send("PING")
    yield* Effect.sleep("1 second")
    return yield* redis.send("PING")
  }).pipe(
    Effect.catchTag("RedisError", ({ cause }) => Effect.succeed(cause.constructor.name)),
    Effect.provide(NodeRedis.layer({ ...options, socket })),
    Effect.provideService(References.MinimumLogLevel, "None")
  )
  return Effect.runPromise(program)
}

try {
  console.log(`socketTimeout 400, idle for 1 s: ${await afterIdling({})}`)
  console.log(`and pingInterval 100: ${await afterIdling({ pingInterval: 100 })}`)
  const reconnecting = { socket: { reconnectStrategy: () => 50 } }
  console.log(`and a reconnectStrategy in place of the pingInterval: ${await afterIdling(reconnecting)}`)
} finally {
  server.kill("SIGKILL")
}
process.exit(0)
JS
node run.mjs | tee seen
diff <(sed -n 's/^#   //p' "$script") seen
