#!/usr/bin/env bash
# With @elastic/ecs-pino-format an error has no `code`, and none of its other fields or causes, which pino alone writes.
#
# Packages: @elastic/ecs-pino-format 1.5.0, pino 10.4.0, Node.js 20 or newer.
# Input: a system error with a cause, logged by pino alone and with the format.
# One would guess: a format renames what is there, and the schema has `error.code`. But the format takes type, message and stack of the error itself,
# before pino's serializer sees it: the code, the address and the cause's message are in no field, and the cause's stack is not in `stack_trace`.
# `convertErr: false` leaves the error to pino, which writes it as `err`, a name that the schema does not know.
#
# Seen:
#   pino:   type, message, stack, code, address; the cause is told
#   format: type, message, stack_trace; the cause is not told
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund pino@10.4.0 @elastic/ecs-pino-format@1.5.0
cat > run.mjs <<'JS'
import { ecsFormat } from "@elastic/ecs-pino-format"
import pino from "pino"

const cause = new Error("the socket was closed")
const error = Object.assign(new Error("connect failed", { cause }), { code: "ECONNRESET", address: "10.0.0.1" })
const said = (options, name) => {
  let line = ""
  pino(options, { write: (text) => (line = text) }).error({ err: error }, "failed")
  const cause = line.includes("the socket was closed") ? "is told" : "is not told"
  return `${Object.keys(JSON.parse(line)[name]).join(", ")}; the cause ${cause}`
}

const alone = said({}, "err")
const format = said(ecsFormat({ apmIntegration: false }), "error")
console.log(`pino:   ${alone}`)
console.log(`format: ${format}`)
const holds =
  alone === "type, message, stack, code, address; the cause is told" &&
  format === "type, message, stack_trace; the cause is not told"
process.exitCode = holds ? 0 : 1
JS
node run.mjs
