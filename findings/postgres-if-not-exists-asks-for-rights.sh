#!/usr/bin/env bash
# PostgreSQL refuses CREATE TABLE IF NOT EXISTS to a role that may not create tables, even if the table is there.
#
# Packages: @electric-sql/pglite 0.5.17 (PostgreSQL in WebAssembly).
# Input: a table and its index that the owner has made, and a role with all rights on the table, but not to create in the schema.
# One would guess: the statement does nothing if the table exists, as its notice says to the owner. But the rights are checked first, so a
# service that makes its tables at each start fails under the role that it has in production, once a migration has made them.
#
# Seen, as that role:
#   SELECT: fine
#   CREATE TABLE IF NOT EXISTS: 42501 permission denied for schema public
#   CREATE INDEX IF NOT EXISTS: 42501 must be owner of table a
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
cat > run.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite"

const database = new PGlite()
await database.exec(`
  CREATE TABLE a (id int);
  CREATE INDEX i ON a (id);
  CREATE ROLE app;
  GRANT ALL ON a TO app;
  SET ROLE app;
`)
for (const [what, statement] of [
  ["SELECT", "SELECT * FROM a"],
  ["CREATE TABLE IF NOT EXISTS", "CREATE TABLE IF NOT EXISTS a (id int)"],
  ["CREATE INDEX IF NOT EXISTS", "CREATE INDEX IF NOT EXISTS i ON a (id)"]
])
  await database.query(statement).then(
    () => console.log(`${what}: fine`),
    ({ code, message }) => console.log(`${what}: ${code} ${message}`)
  )
JS
node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
SELECT: fine
CREATE TABLE IF NOT EXISTS: 42501 permission denied for schema public
CREATE INDEX IF NOT EXISTS: 42501 must be owner of table a
SEEN
