#!/usr/bin/env bash
# nodemailer's error of a lost connection is the same before a mail server has asked for the message and after it has had all of it.
#
# Packages: nodemailer 10.6.1, Node.js 20 or newer.
# Input: a server that closes the connection at DATA, and one that does so at the final dot.
# One would guess: the error's `command` says DATA in the second case, as it does for a reply, so that one knows whether the message may have been taken.
# But a connection that ends has the command CONN, whatever it was doing, and nothing else in the error differs. Only a step in the message's
# own stream sees that all of it was read.
#
# Seen:
#   at DATA: {"code":"ECONNECTION","command":"CONN","message":"Connection closed unexpectedly"}
#   at dot:  {"code":"ECONNECTION","command":"CONN","message":"Connection closed unexpectedly"}
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund nodemailer@10.6.1
cat > run.mjs <<'JS'
import { createServer } from "node:net"
import { createTransport } from "nodemailer"

const replies = { EHLO: "250 mail", MAIL: "250 ok", RCPT: "250 ok", DATA: "354 go on" }

const errorAt = async (last) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).write("220 ready\r\n")
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().split("\r\n")) {
        const word = line.slice(0, 4)
        if (line === last) socket.end()
        else if (replies[word] !== undefined) socket.write(`${replies[word]}\r\n`)
      }
    })
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const transport = createTransport({ host: "127.0.0.1", port: server.address().port })
  const mail = { from: "a@example.com", to: "b@example.com", subject: "s", text: "t" }
  const error = await transport.sendMail(mail).then(() => ({}), (error) => error)
  server.close()
  return JSON.stringify({ code: error.code, command: error.command, message: error.message })
}

const [before, after] = [await errorAt("DATA"), await errorAt(".")]
console.log(`at DATA: ${before}\nat dot:  ${after}`)
process.exitCode = before === after && before.includes(`"command":"CONN"`) ? 0 : 1
JS
node run.mjs
