#!/usr/bin/env bash
# svix 2 checks a webhook's signature and returns nothing, where svix 1 and standardwebhooks return the parsed body.
#
# Packages: svix 2.5.0 and 1.84.1, standardwebhooks 1.1.1, Node.js 20 or newer.
# Input: a body that svix itself signed, with its valid headers.
# One would guess: `verify` returns the parsed body, as in every example of the convention. But it returns undefined, so that a handler
# which reads the event from the result fails for each valid delivery.
#
# Seen:
#   standardwebhooks 1: {"type":"ping"}
#   svix 1: {"type":"ping"}
#   svix 2: undefined
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund standardwebhooks@1.1.1 svix@2.5.0 svix1@npm:svix@1.84.1
cat > run.mjs <<'JS'
import { Webhook as StandardWebhooks } from "standardwebhooks"
import { Webhook as Svix2 } from "svix"
import { Webhook as Svix1 } from "svix1"

const secret = `whsec_${Buffer.alloc(24, 1).toString("base64")}`
const body = '{"type":"ping"}'
const now = new Date()
const headers = {
  "webhook-id": "msg_1",
  "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
  "webhook-signature": new Svix2(secret).sign("msg_1", now, body)
}
for (const [name, Webhook] of [["standardwebhooks 1", StandardWebhooks], ["svix 1", Svix1], ["svix 2", Svix2]])
  console.log(`${name}: ${JSON.stringify(new Webhook(secret).verify(body, headers))}`)
JS
node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
standardwebhooks 1: {"type":"ping"}
svix 1: {"type":"ping"}
svix 2: undefined
SEEN
