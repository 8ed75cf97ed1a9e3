#!/usr/bin/env bash
# Two versions of Sentry in one program share no client, though each registers on the same global object.
#
# Packages: @sentry/node 11.11.0, @sentry/core 11.12.0, Node.js 22.12 or newer.
# Input: a program calls `init` of @sentry/node 11.11.0. A library in it calls `getClient` of its peer @sentry/core 11.12.0, for which npm installs a
# second copy without a warning.
# One would guess: minor versions of one major meet in `globalThis.__SENTRY__`, which is there for that. But each exact version has a carrier of its
# own in it. The library's `getClient` gives undefined, and its `captureException` gives an id for an event that is never sent.
#
# Seen:
#   versions installed: 11.11.0 11.12.0
#   the program's client: NodeClient
#   the library's client: undefined
#   the library's captureException: an id
#   events sent: 0
#   carriers: 11.11.0 11.12.0
#
# Exits 0 while this holds.
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p library
echo '{"name":"library","version":"1.0.0","type":"module","peerDependencies":{"@sentry/core":"11.12.0"}}' > library/package.json
echo 'export { SDK_VERSION, captureException, getClient } from "@sentry/core"' > library/index.js
(cd library && npm pack --silent > /dev/null)
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @sentry/node@11.11.0
npm install --loglevel=warn --no-audit --no-fund ./library/library-1.0.0.tgz > said 2>&1
if grep -i warn said; then exit 1; fi
cat > run.mjs <<'JS'
import * as Sentry from "@sentry/node"
import * as library from "library/index.js"

let sent = 0
const transport = () => ({ send: async () => (sent++, { statusCode: 200 }), flush: async () => true })
Sentry.init({ dsn: "http://public@127.0.0.1:9/1", defaultIntegrations: false, transport })
console.log(`versions installed: ${Sentry.SDK_VERSION} ${library.SDK_VERSION}`)
console.log(`the program's client: ${Sentry.getClient().constructor.name}`)
console.log(`the library's client: ${library.getClient()}`)
console.log(`the library's captureException: ${/^[\da-f]{32}$/.test(library.captureException(new Error("lost"))) ? "an id" : "none"}`)
await Sentry.flush(1000)
console.log(`events sent: ${sent}`)
console.log(`carriers: ${Object.keys(globalThis.__SENTRY__).filter((key) => /^\d/.test(key)).join(" ")}`)
process.exit(0)
JS
node run.mjs | tee seen
diff <(sed -n 's/^#   //p' "$script") seen
