#!/usr/bin/env bash
# An AWS client reports a reset connection as a TimeoutError, although no time passed.
#
# Package: @aws-sdk/client-sqs 3.1175.0 (its @smithy/node-http-handler), Node.js 20 or newer.
# Input: a queue on 127.0.0.1 that resets the connection at once, and no timeout set anywhere.
# One would guess: the name is not TimeoutError, as for a refused connection. But the name is TimeoutError for ECONNRESET, EPIPE and
# ETIMEDOUT alike; only the code tells them apart.
#
# Seen:
#   refused: Error ECONNREFUSED
#   reset: TimeoutError ECONNRESET
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @aws-sdk/client-sqs@3.1175.0
cat > run.mjs <<'JS'
import { createServer } from "node:http"
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs"

const listening = (server) =>
  new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)))

const call = (port) =>
  new SQSClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
    maxAttempts: 1
  })
    .send(new ListQueuesCommand({}))
    .then(() => "resolved", (error) => `${error.name} ${error.code}`)

const gone = createServer()
const closed = await listening(gone)
await new Promise((done) => gone.close(done))
const server = createServer((request) => request.socket.resetAndDestroy())

const [refused, reset] = [await call(closed), await call(await listening(server))]
server.close()
console.log(`refused: ${refused}\nreset: ${reset}`)
process.exitCode = refused === "Error ECONNREFUSED" && reset === "TimeoutError ECONNRESET" ? 0 : 1
JS
node run.mjs
