#!/usr/bin/env bash
# A description that stands after a check of one's own is not in the JSON Schema, and so not in OpenAPI; after Effect's own checks it is.
#
# Packages: effect 4.1.0.
# Input: Schema.String.check(...).annotate({ description }), with Schema.isMinLength, and with Schema.makeFilter; and annotate before check.
# One would guess: annotate describes the schema that it is called on, whatever came before.
# It annotates the last check. What a check of one's own has no JSON Schema for is left out, its description with it.
#
# Seen:
#   own check, then annotate: undefined
#   isMinLength, then annotate: "a name"
#   annotate, then own check: "a name"
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund effect@4.1.0
cat > run.mjs <<'JS'
import * as Schema from "effect/Schema"

const own = Schema.makeFilter((text) => text !== "root")
const about = { description: "a name" }
const found = (schema) => {
  const text = JSON.stringify(Schema.toJsonSchemaDocument(Schema.Struct({ a: schema })))
  return text.includes("a name") ? '"a name"' : "undefined"
}
console.log(`own check, then annotate: ${found(Schema.String.check(own).annotate(about))}`)
console.log(`isMinLength, then annotate: ${found(Schema.String.check(Schema.isMinLength(1)).annotate(about))}`)
console.log(`annotate, then own check: ${found(Schema.String.annotate(about).check(own))}`)
JS
node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
own check, then annotate: undefined
isMinLength, then annotate: "a name"
annotate, then own check: "a name"
SEEN
