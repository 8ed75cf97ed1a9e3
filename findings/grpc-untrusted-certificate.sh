#!/usr/bin/env bash
# grpc-js reports a server's untrusted certificate as UNAVAILABLE, the status of a passing outage.
#
# Package: @grpc/grpc-js 1.14.7, Node.js 20 or newer; openssl.
# Input: a call to a server on 127.0.0.1 whose self-signed certificate the client does not trust, and one to a closed port.
# One would guess: a certificate that is refused is a status of its own, such as UNAUTHENTICATED or INTERNAL, since it never passes by itself.
# Both calls end with the same code, 14. Only the words of `details` differ, so a policy that retries by code, such as a gRPC service config with
# `retryableStatusCodes: ["UNAVAILABLE"]`, repeats the first call as often as the second.
#
# Seen:
#   untrusted: code 14 UNAVAILABLE, names the certificate: true
#   refused: code 14 UNAVAILABLE, names the certificate: false
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost \
  -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" 2> /dev/null
cat > run.mjs <<'JS'
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import grpc from "@grpc/grpc-js"

const bytes = (value) => value
const method = { path: "/s/Echo", requestStream: false, responseStream: false }
const coded = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes }
const service = { Echo: { ...method, ...coded } }

const server = new grpc.Server()
server.addService(service, { Echo: (call, done) => done(null, call.request) })
const pair = { private_key: readFileSync("key.pem"), cert_chain: readFileSync("cert.pem") }
const bind = (credentials) =>
  new Promise((done, failed) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? failed(error) : done(port)))
  )
const port = await bind(grpc.ServerCredentials.createSsl(null, [pair]))

const gone = createServer()
const closed = await new Promise((done) => gone.listen(0, "127.0.0.1", () => done(gone.address().port)))
await new Promise((done) => gone.close(done))

const ask = (at) =>
  new Promise((done) => {
    const Client = grpc.makeGenericClientConstructor(service, "s")
    const client = new Client(`127.0.0.1:${at}`, grpc.credentials.createSsl())
    client.Echo(Buffer.from("x"), { deadline: Date.now() + 10_000 }, (error) => {
      client.close()
      done(error)
    })
  })

const tell = (name, error) =>
  `${name}: code ${error?.code} ${grpc.status[error?.code]}, names the certificate: ${/certificate/i.test(error?.details ?? "")}`
console.log(tell("untrusted", await ask(port)))
console.log(tell("refused", await ask(closed)))
server.forceShutdown()
JS
seen=$(node run.mjs)
echo "$seen"
[ "$seen" = "untrusted: code 14 UNAVAILABLE, names the certificate: true
refused: code 14 UNAVAILABLE, names the certificate: false" ]
