#!/usr/bin/env bash
# An AWS client's `requestTimeout` does not end a request: the client warns, and the call goes on waiting.
#
# Package: @aws-sdk/client-sqs 3.1175.0 (its @smithy/node-http-handler), Node.js 20 or newer.
# Input: a queue on 127.0.0.1 that answers after 1500 ms, and `requestHandler: { requestTimeout: 300 }`.
# One would guess: the call fails after 300 ms. It resolves after 1500 ms, and the client logs a warning.
# The call fails only with `throwOnRequestTimeout: true` as well.
#
# Seen:
#   requestTimeout 300: resolved after about 1500 ms
#   requestTimeout 300, throwOnRequestTimeout: TimeoutError after about 300 ms
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

const server = createServer((request, response) => {
  request.resume()
  setTimeout(() => response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end("{}"), 1500)
})
await new Promise((listening) => server.listen(0, "127.0.0.1", listening))

const call = async (requestHandler) => {
  const client = new SQSClient({
    endpoint: `http://127.0.0.1:${server.address().port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
    maxAttempts: 1,
    requestHandler
  })
  const begun = Date.now()
  const how = await client.send(new ListQueuesCommand({})).then(() => "resolved", (error) => error.name)
  return [how, Math.round((Date.now() - begun) / 100) * 100]
}

const [plain, after] = await call({ requestTimeout: 300 })
console.log(`requestTimeout 300: ${plain} after about ${after} ms`)
const [thrown, soon] = await call({ requestTimeout: 300, throwOnRequestTimeout: true })
console.log(`requestTimeout 300, throwOnRequestTimeout: ${thrown} after about ${soon} ms`)
server.closeAllConnections()
server.close()
process.exitCode = plain === "resolved" && after >= 1400 && thrown === "TimeoutError" && soon < 1400 ? 0 : 1
JS
node run.mjs 2> /dev/null
