#!/usr/bin/env bash
# An AxiosError's `name` is "AxiosError" for an answer, but "Error" for a failed connection.
#
# Package: axios 1.21.1, Node.js 20 or newer.
# Input: a GET to a closed port, to a server that resets the connection, and to one that answers 503, all on 127.0.0.1.
# One would guess: the name is "AxiosError" each time, like the class. But when axios wraps a lower layer's error, it copies that error's name.
# So `error.name === "AxiosError"`, and any grouping of errors by name, misses all failed connections. `axios.isAxiosError` does not.
#
# Seen:
#   refused: name Error, code ECONNREFUSED, isAxiosError true
#   reset: name Error, code ECONNRESET, isAxiosError true
#   answer 503: name AxiosError, code ERR_BAD_RESPONSE, isAxiosError true
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund axios@1.21.1
cat > run.mjs <<'JS'
import { createServer } from "node:http"
import axios from "axios"

const listening = (server) =>
  new Promise((done) => server.listen(0, "127.0.0.1", () => done(`http://127.0.0.1:${server.address().port}/`)))

const gone = createServer()
const closed = await listening(gone)
await new Promise((done) => gone.close(done))
const server = createServer((request, response) => {
  if (request.url === "/reset") request.socket.resetAndDestroy()
  else response.writeHead(503).end()
})
const url = await listening(server)

const said = []
for (const [what, target] of [["refused", closed], ["reset", `${url}reset`], ["answer 503", url]]) {
  const error = await axios.get(target).catch((error) => error)
  said.push(error.name)
  console.log(`${what}: name ${error.name}, code ${error.code}, isAxiosError ${axios.isAxiosError(error)}`)
}
server.closeAllConnections()
server.close()
process.exitCode = said.join() === "Error,Error,AxiosError" ? 0 : 1
JS
node run.mjs
