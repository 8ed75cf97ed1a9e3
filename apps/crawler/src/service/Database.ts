/**
 * The service's tables, and the migrations that make them.
 *
 * Money is whole millionths of a US dollar, times are ISO 8601 in UTC, failures are the JSON of their schemas.
 */
import { randomBytes } from "node:crypto"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Statement } from "effect/sql/Statement"
import * as Lock from "./Lock.ts"
import { answerOf, readError } from "./rows.ts"

const tables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    key_hash TEXT NOT NULL UNIQUE,
    balance INTEGER NOT NULL CHECK (balance >= 0)
  )`
  yield* sql`CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    request TEXT NOT NULL,
    status TEXT NOT NULL,
    error TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    finished_at TEXT
  )`
  yield* sql`CREATE TABLE items (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    url TEXT NOT NULL,
    referred_url TEXT NOT NULL,
    depth INTEGER NOT NULL,
    status TEXT NOT NULL,
    page_status INTEGER NOT NULL DEFAULT 0,
    title TEXT NOT NULL DEFAULT '',
    markdown TEXT NOT NULL DEFAULT '',
    links TEXT NOT NULL DEFAULT '[]',
    cost INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (job_id, url)
  )`
})

const holder = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE holder (pid INTEGER NOT NULL)`)

/** What a poll of a large job needs: whether anything has changed, and failures as they are answered. */
const answers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE jobs ADD COLUMN version INTEGER NOT NULL DEFAULT 0`
  yield* sql`ALTER TABLE jobs ADD COLUMN origin TEXT NOT NULL DEFAULT ''`
  yield* sql`ALTER TABLE items ADD COLUMN answer TEXT NOT NULL DEFAULT ''`
  yield* sql`CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)`
  yield* sql`INSERT INTO settings ${sql.insert({ name: "links", value: randomBytes(32).toString("base64url") })}`
  const failed = yield* sql<{ readonly id: string; readonly error: string }>`SELECT id, error FROM items
    WHERE error IS NOT NULL`
  for (const { error, id } of failed)
    yield* sql`UPDATE items SET answer = ${answerOf(readError(error))} WHERE id = ${id}`
})

/**
 * Money moves from one account to another, and each move is a row: what an account has is the sum of its rows. A page is paid once, whoever asks twice.
 * `(cash)` is what was paid in, and `(pages)` what was bought; no customer's account has such a name.
 */
const ledger = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE ledger (
    id TEXT PRIMARY KEY,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    why TEXT NOT NULL,
    at TEXT NOT NULL
  )`
  yield* sql`CREATE INDEX ledger_debit ON ledger (debit, at)`
  yield* sql`CREATE INDEX ledger_credit ON ledger (credit, at)`
  yield* sql`INSERT INTO ledger SELECT 'opening ' || id, '(cash)', id, balance, 'opening balance', '1970-01-01T00:00:00.000Z'
    FROM accounts WHERE balance > 0`
})

/** Where each page was found in the end: one job keeps a page once, whatever redirects lead to it. */
const landings = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE items ADD COLUMN landed_url TEXT`
  yield* sql`UPDATE items SET landed_url = url WHERE status = 'done'`
  yield* sql`CREATE UNIQUE INDEX items_landed ON items (job_id, landed_url)`
})

const migrate = Migrator.make({})({
  loader: Migrator.fromRecord({
    "0001_tables": tables,
    "0002_holder": holder,
    "0003_answers": answers,
    "0004_ledger": ledger,
    "0005_landings": landings
  })
})

/** Runs a statement that changes one row or none, and gives whether it did. `RETURNING` would tell as well, but takes a savepoint each time. */
export const hasChanged = (statement: Statement<unknown>): Effect.Effect<boolean, SqlError> =>
  Effect.map(statement.raw, (result) => Predicate.hasProperty(result, "changes") && Number(result.changes) > 0)

/** Opens a database file with all tables, locked against other processes; `:memory:` is a database that ends with the process. */
export const layer = (filename: string) =>
  Layer.effectDiscard(Effect.andThen(Lock.acquire, Effect.andThen(migrate, Lock.sign))).pipe(
    Layer.provideMerge(Sqlite.layer({ filename }))
  )
