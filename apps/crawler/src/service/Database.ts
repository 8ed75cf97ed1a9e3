/**
 * The service's tables in SQLite or PostgreSQL, and the migrations that make them.
 *
 * Money is whole millionths of a US dollar, times are ISO 8601 in UTC, failures are the JSON of their schemas.
 */
import { randomBytes } from "node:crypto"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as DatabaseName from "./DatabaseName.ts"
import * as Lock from "./Lock.ts"
import { answerOf, failureOf, readError } from "./rows.ts"

/** The time as columns have it. */
export const now = Effect.map(DateTime.now, DateTime.formatIso)

/** The column by which rows of a table are in the order in which they were added. SQLite has one of its own. */
export const orderOf = (sql: SqlClient.SqlClient, table: string) =>
  sql.literal(`${table}.${sql.onDialectOrElse({ sqlite: () => "rowid", orElse: () => "seq" })}`)

/** What PostgreSQL has for it. */
const ordered = (sql: SqlClient.SqlClient) =>
  sql.onDialectOrElse({ sqlite: () => sql``, orElse: () => sql`seq BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,` })

/** What an index has of a URL: PostgreSQL's take no long ones. */
const indexed = (sql: SqlClient.SqlClient, column: string) =>
  sql.literal(sql.onDialectOrElse({ sqlite: () => column, orElse: () => `md5(${column})` }))

const tables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    key_hash TEXT NOT NULL UNIQUE,
    balance BIGINT NOT NULL CHECK (balance >= 0)
  )`
  yield* sql`CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    ${ordered(sql)}
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
    ${ordered(sql)}
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
    updated_at TEXT NOT NULL
  )`
  yield* sql`CREATE UNIQUE INDEX items_url ON items (job_id, ${indexed(sql, "url")})`
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
    ${ordered(sql)}
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    why TEXT NOT NULL,
    at TEXT NOT NULL
  )`
  yield* sql`CREATE INDEX ledger_debit ON ledger (debit, at)`
  yield* sql`CREATE INDEX ledger_credit ON ledger (credit, at)`
  yield* sql`INSERT INTO ledger (id, debit, credit, amount, why, at) SELECT 'opening ' || id, '(cash)', id, balance, 'opening balance', '1970-01-01T00:00:00.000Z'
    FROM accounts WHERE balance > 0`
})

/** Where each page was found in the end: one job keeps a page once, whatever redirects lead to it. */
const landings = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE items ADD COLUMN landed_url TEXT`
  yield* sql`UPDATE items SET landed_url = url WHERE status = 'done'`
  yield* sql`CREATE UNIQUE INDEX items_landed ON items (job_id, ${indexed(sql, "landed_url")})`
})

/** How often the webhook of each job was queued: the last delivery is the one that the job tells of. */
const deliveries = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE jobs ADD COLUMN deliveries INTEGER NOT NULL DEFAULT 0`
  yield* sql`UPDATE jobs SET deliveries = 1 WHERE finished_at IS NOT NULL`
})

/** The formats of a page beside Markdown: empty where they were not asked for. */
const formats = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE items ADD COLUMN html TEXT NOT NULL DEFAULT ''`
  yield* sql`ALTER TABLE items ADD COLUMN cleaned TEXT NOT NULL DEFAULT ''`
})

/** Which process has a page, and until when each process lives without a sign of life. */
const claims = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE items ADD COLUMN claim TEXT`
  // In the order in which they were added, as the API answers them; an index of SQLite ends with that by itself.
  const place = sql.onDialectOrElse({ sqlite: () => sql``, orElse: () => sql`, seq` })
  yield* sql`CREATE INDEX items_job ON items (job_id ${place})`
  // SQLite takes such an index only for the same condition, word for word.
  yield* sql`CREATE INDEX items_new ON items (job_id ${place}) WHERE status = 'new'`
  yield* sql`CREATE INDEX items_in_progress ON items (job_id ${place}) WHERE status = 'in_progress'`
  yield* sql`CREATE TABLE runners (id TEXT PRIMARY KEY, until BIGINT NOT NULL)`
})

/** How often each page was under way when its process was lost. */
const kills = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`ALTER TABLE items ADD COLUMN kills INTEGER NOT NULL DEFAULT 0`
)

/**
 * What somebody who watches asks for: how many pages a job has, of which kind and at which host, kept in the transactions that change them; and where a page
 * is in its attempts. Texts move to a table of their own: a list of pages reads none of them.
 */
const watching = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE texts (
    item_id TEXT PRIMARY KEY REFERENCES items (id) ON DELETE CASCADE,
    links TEXT NOT NULL,
    markdown TEXT NOT NULL,
    html TEXT NOT NULL,
    cleaned TEXT NOT NULL
  )`
  yield* sql`INSERT INTO texts SELECT id, links, markdown, html, cleaned FROM items WHERE status = 'done'`
  for (const column of ["links", "markdown", "html", "cleaned"])
    yield* sql`ALTER TABLE items DROP COLUMN ${sql.literal(column)}`
  for (const column of ["host", "code", "detail", "actor", "because", "story", "again_by"])
    yield* sql`ALTER TABLE items ADD COLUMN ${sql.literal(column)} TEXT NOT NULL DEFAULT ''`
  yield* sql`ALTER TABLE items ADD COLUMN next_at BIGINT`
  for (const column of ["total", "done", "failed", "pace"])
    yield* sql`ALTER TABLE jobs ADD COLUMN ${sql.literal(column)} INTEGER NOT NULL DEFAULT 0`
  yield* sql`ALTER TABLE jobs ADD COLUMN again_of TEXT`
  yield* sql`CREATE TABLE tallies (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    page_status INTEGER NOT NULL,
    because TEXT NOT NULL,
    actor TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (job_id, host, code, detail, page_status, because)
  )`
  yield* sql`CREATE TABLE paces (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    minute INTEGER NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (job_id, minute)
  )`
  yield* describeOld
  yield* sql`UPDATE jobs SET total = (SELECT count(*) FROM items WHERE job_id = jobs.id),
    done = (SELECT count(*) FROM items WHERE job_id = jobs.id AND status = 'done'),
    failed = (SELECT count(*) FROM items WHERE job_id = jobs.id AND status = 'error')`
  yield* sql`INSERT INTO tallies SELECT job_id, host, code, detail, CASE status WHEN 'done' THEN 0 ELSE page_status END AS answered, because, actor, count(*)
    FROM items WHERE status IN ('done', 'error') GROUP BY job_id, host, code, detail, answered, because, actor`
  const place = sql.onDialectOrElse({ sqlite: () => sql``, orElse: () => sql`, seq` })
  yield* sql`CREATE INDEX items_failed ON items (job_id, host, code, detail, page_status, because ${place})
    WHERE status = 'error' AND again_by = ''`
  yield* sql`CREATE INDEX items_waiting ON items (next_at) WHERE next_at IS NOT NULL`
  yield* sql`CREATE INDEX items_story ON items (job_id ${place}) WHERE story <> ''`
  yield* sql`CREATE INDEX jobs_running ON jobs (created_at) WHERE finished_at IS NULL`
  yield* sql`CREATE INDEX jobs_failed ON jobs (account_id) WHERE status = 'error'`
  yield* sql`CREATE INDEX jobs_again ON jobs (again_of) WHERE again_of IS NOT NULL`
  yield* sql`CREATE TABLE actions (at BIGINT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, about TEXT NOT NULL, count INTEGER NOT NULL)`
  yield* sql`CREATE INDEX actions_at ON actions (at)`
  yield* sql`CREATE TABLE silences (id TEXT PRIMARY KEY, since BIGINT NOT NULL, until BIGINT NOT NULL, silence TEXT NOT NULL)`
})

/** Gives the pages of an older version their hosts and failures. */
const describeOld = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly id: string; readonly url: string; readonly error: string | null }>`
    SELECT id, url, error FROM items`
  for (const { error, id, url } of rows) {
    const { host } = new URL(url)
    const failed = error === null ? {} : failureOf(readError(error))
    yield* sql`UPDATE items SET ${sql.update({ host, ...failed })} WHERE id = ${id}`
  }
})

/**
 * Pages that wait, in the order in which they go again: all of them and those of a job. A cancelled page keeps the time of its next attempt, and does not wait.
 */
const waits = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const place = sql.onDialectOrElse({ sqlite: () => sql``, orElse: () => sql`, seq` })
  yield* sql`DROP INDEX items_waiting`
  yield* sql`CREATE INDEX items_waiting ON items (next_at ${place}) WHERE status = 'in_progress' AND next_at IS NOT NULL`
  yield* sql`CREATE INDEX items_waiting_of_job ON items (job_id, next_at ${place}) WHERE status = 'in_progress' AND next_at IS NOT NULL`
})

const migrate = Migrator.make({})({
  loader: Migrator.fromRecord({
    "0001_tables": tables,
    "0002_holder": holder,
    "0003_answers": answers,
    "0004_ledger": ledger,
    "0005_landings": landings,
    "0006_deliveries": deliveries,
    "0007_formats": formats,
    "0008_claims": claims,
    "0009_kills": kills,
    "0010_watching": watching,
    "0011_waits": waits
  })
})

/** The client of a database, as it is: the name of a SQLite file, or a connection string of PostgreSQL. */
export const client = (database: string): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  DatabaseName.isPostgres(database) ? postgres(database) : Sqlite.layer({ filename: database })

/** Its driver is loaded only where it is used. */
const postgres = (url: string): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("@effect/sql-pg/PgClient")),
      ({ layer }) => layer({ url: Redacted.make(url), maxConnections: 10, applicationName: "redrive crawler" })
    )
  )

/**
 * Opens a database with all tables. A SQLite file is locked against other processes, and `:memory:` is a database that ends with the process; PostgreSQL
 * is shared by any number of them.
 */
export const layer = (database: string) => {
  const prepare = DatabaseName.isPostgres(database)
    ? migrate
    : Effect.andThen(Lock.acquire, Effect.andThen(migrate, Lock.sign))
  return Layer.effectDiscard(prepare).pipe(Layer.provideMerge(client(database)))
}
