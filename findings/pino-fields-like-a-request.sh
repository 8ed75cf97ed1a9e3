#!/usr/bin/env bash
# pino writes nothing of a line's fields but a `req` if they have `method`, `headers` and `socket`: the error among them is lost, too.
#
# Packages: pino 10.4.0, Node.js 20 or newer. pino 9.14.0 does the same.
# Input: fields of a failed request, with the error as `err`, and the same without `socket`.
# One would guess: fields are written as they are, whatever they are called, and `err` by its serializer.
# But pino asks whether the fields themselves are a request of Node.js by these three names alone. If so it writes { req } instead of them.
#
# Seen:
#   with socket:    req, msg
#   without socket: err, order, method, headers, msg
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund pino@10.4.0
cat > run.mjs <<'JS'
import pino from "pino"

const written = []
const logger = pino({ base: null, timestamp: false }, { write: (line) => written.push(JSON.parse(line)) })
const fields = { err: new Error("refused"), order: 7, method: "POST", headers: { accept: "*/*" } }
logger.error({ ...fields, socket: "10.0.0.1:443" }, "request failed")
logger.error(fields, "request failed")

const [withSocket, without] = written.map((line) => Object.keys(line).filter((name) => name !== "level").join(", "))
console.log(`with socket:    ${withSocket}`)
console.log(`without socket: ${without}`)
process.exitCode = withSocket === "req, msg" && without === "err, order, method, headers, msg" ? 0 : 1
JS
node run.mjs
