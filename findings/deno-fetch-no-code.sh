#!/usr/bin/env bash
# Deno's fetch fails with Node.js's message, "fetch failed", but its cause has no code.
#
# Package: deno 2.9.6 (npm), Node.js 20 or newer to install it.
# Input: a GET to a closed port, to a server that resets the connection, and to a name that does not resolve, all on this machine.
# One would guess: a TypeError "fetch failed" has a cause with `code`, as in Node.js, and as Deno's own `Deno.connect` throws. But that cause is a plain
# Error whose message is all there is, with the words of a Rust library and the URL in it. So `error.cause.code === "ECONNREFUSED"` is never true.
# Deno 2.1 had the code of a refused connection, on the TypeError itself.
#
# Seen:
#   refused: TypeError "fetch failed", cause Error without code: client error (Connect): tcp connect error: Connection refused (os error 111)
#   reset: TypeError "fetch failed", cause Error without code: Connection reset by peer (os error 104)
#   no such name: TypeError "fetch failed", cause Error without code: client error (Connect): dns error
#   Deno.connect: ConnectionRefused with code ECONNREFUSED
#
# Exits 0 while this holds.
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts deno@2.9.6
cat > run.mjs <<'JS'
const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 })
const { port: closed } = silent.addr
silent.close()
const resetting = (await import("node:net")).createServer((socket) => socket.once("data", () => socket.resetAndDestroy()))
await new Promise((done) => resetting.listen(0, "127.0.0.1", done))

const urls = {
  refused: `http://127.0.0.1:${closed}/`,
  reset: `http://127.0.0.1:${resetting.address().port}/`,
  "no such name": "http://nosuch.invalid/"
}
for (const [what, url] of Object.entries(urls)) {
  const { cause, message, name } = await fetch(url).catch((error) => error)
  const code = cause.code === undefined ? "without code" : `with code ${cause.code}`
  const said = cause.message.replace(/^.*\): client/, "client").replace(/(dns error).*/, "$1")
  console.log(`${what}: ${name} "${message}", cause ${cause.name} ${code}: ${said}`)
}
const { code, name } = await Deno.connect({ hostname: "127.0.0.1", port: closed }).catch((error) => error)
console.log(`Deno.connect: ${name} with code ${code}`)
Deno.exit(0)
JS
node_modules/.bin/deno run --allow-all --no-lock run.mjs | tee seen
diff <(sed -n 's/^#   //p' "$script") seen
