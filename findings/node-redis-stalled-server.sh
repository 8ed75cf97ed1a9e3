#!/usr/bin/env bash
# node-redis's command timeout does not end a command that was sent to a stalled server, and its close() may never settle.
#
# Versions: redis 6.3.1 (npm), redis-server 7.0.15 (Debian 12), Node.js 22.23.2.
#
# `commandOptions: { timeout: 200 }` covers a command only until it is written to the socket, and `disableOfflineQueue` covers only a lost
# connection. Neither helps against a server that is connected and silent (SIGSTOP, a partition): the command waits as long as the
# server is silent. `socketTimeout` rejects it. But a close() that waits for such a command does not settle even after the socket
# timeout has rejected the command, nor after destroy(). destroy() instead of close() ends everything.
#
# Output seen:
#   command with a timeout of 200 ms: pending after 1500 ms
#   command with a socketTimeout of 400 ms: SocketTimeoutError
#   close() with a socketTimeout of 400 ms: pending after 1500 ms, its command: SocketTimeoutError
#   and after destroy(): pending after 1500 ms
#   command with destroy() in place of close(): DisconnectsClientError
#
# Run it: bash findings/node-redis-stalled-server.sh (needs npm, redis-server). Exits 1 if the behaviour has changed.
set -euo pipefail
export PATH=$PATH:/usr/sbin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
script=$(realpath "$0")
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund redis@6.3.1
cat > run.mjs <<'JS'
import { spawn } from "node:child_process"
import { createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { createClient } from "redis"

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
const server = spawn("redis-server", args, { stdio: "ignore" })
const outcome = (promise) =>
  Promise.race([promise.then(() => "settled", (error) => error.constructor.name), sleep(1500, "pending after 1500 ms")])
const connect = async (options) => {
  const client = createClient({ ...options, socket: { host: "127.0.0.1", port, ...options.socket } })
  client.on("error", () => {})
  await client.connect()
  await client.get("key")
  return client
}
const stalled = async (use) => {
  server.kill("SIGSTOP")
  try {
    return await use()
  } finally {
    server.kill("SIGCONT")
    await sleep(100)
  }
}

const lines = []
try {
  await sleep(500)
  const timeout = await connect({ disableOfflineQueue: true, commandOptions: { timeout: 200 } })
  lines.push(`command with a timeout of 200 ms: ${await stalled(() => outcome(timeout.get("key")))}`)
  const socket = { socketTimeout: 400 }
  const one = await connect({ socket })
  lines.push(`command with a socketTimeout of 400 ms: ${await stalled(() => outcome(one.get("key")))}`)
  const two = await connect({ socket })
  await stalled(async () => {
    const command = outcome(two.get("key"))
    const closed = two.close()
    lines.push(`close() with a socketTimeout of 400 ms: ${await outcome(closed)}, its command: ${await command}`)
    two.destroy()
    lines.push(`and after destroy(): ${await outcome(closed)}`)
  })
  const three = await connect({})
  await stalled(async () => {
    const command = outcome(three.get("key"))
    three.destroy()
    lines.push(`command with destroy() in place of close(): ${await command}`)
  })
} finally {
  server.kill("SIGKILL")
}
console.log(lines.join("\n"))
process.exit(0)
JS
node run.mjs | tee seen
diff <(sed -n 's/^#   //p' "$script") seen
