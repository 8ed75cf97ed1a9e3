/**
 * Accounts: who may crawl, and with how much money. API keys are stored as hashes only.
 */
import { createHash } from "node:crypto"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { now, orderOf } from "./Database.ts"
import { local } from "./LocalAccount.ts"

/** Millionths of a US dollar. */
export type Micros = number

/** What one successful page costs: 0.002 US dollars. */
export const pagePrice: Micros = 2000

export { local }

/** A move of money to an account (above zero) or from it. */
export interface Entry {
  readonly at: string
  readonly amount: Micros
  readonly why: string
}

/** PostgreSQL gives whole numbers of any size as texts. */
type Stored<A, K extends keyof A> = Omit<A, K> & { readonly [Key in K]: number | string }

export interface Account {
  readonly id: string
  readonly balance: Micros
}

export interface Payment {
  /** What the account has now. */
  readonly balance: Micros
  /** What was paid in under this id, now or before. */
  readonly amount: Micros
}

export class Accounts extends Context.Service<
  Accounts,
  {
    /** Opens an account, or leaves the one that has this id as it is; gives whether it was not there. */
    readonly open: (account: typeof local) => Effect.Effect<boolean, SqlError>
    readonly byKey: (apiKey: Redacted.Redacted) => Effect.Effect<Option.Option<{ readonly id: string }>, SqlError>
    readonly balance: (id: string) => Effect.Effect<Micros, SqlError>
    /** All accounts, by their names. */
    readonly list: Effect.Effect<ReadonlyArray<Account>, SqlError>
    /** Pays money in, once for each id of a payment. Gives what it came to; nothing if there is no such account. */
    readonly topUp: (id: string, amount: Micros, payment: string) => Effect.Effect<Option.Option<Payment>, SqlError>
    /** The last 100 moves of money of an account, newest first; nothing if there is no such account. */
    readonly entries: (id: string) => Effect.Effect<Option.Option<ReadonlyArray<Entry>>, SqlError>
    /** Whether the balance is enough for a page. Nobody changes it until the caller's transaction ends. */
    readonly canPay: (id: string) => Effect.Effect<boolean, SqlError>
    /** Takes the price of a page, once for each, in the transaction of the caller; false, and nothing taken, where the balance is not enough. */
    readonly charge: (id: string, page: string) => Effect.Effect<boolean, SqlError>
  }
>()("@redrive/crawler/service/Accounts") {
  /** The accounts as they are. */
  static readonly layerOnly = Layer.effect(
    Accounts,
    Effect.suspend(() => make)
  )
  /** The same, with the account that exists from the start. */
  static readonly layer = Layer.effect(
    Accounts,
    Effect.suspend(() => Effect.tap(make, ({ open }) => open(local)))
  )
  /** The same, for a service that others reach: it knows nobody by the key that everybody knows. */
  static readonly layerWithoutLocal = Layer.effect(
    Accounts,
    Effect.suspend(() =>
      Effect.map(make, (accounts) =>
        Accounts.of({
          ...accounts,
          byKey: (apiKey) =>
            Effect.map(
              accounts.byKey(apiKey),
              Option.filter(({ id }) => id !== local.id)
            )
        })
      )
    )
  )
}

/** Where money moves. */
interface Ledger {
  readonly sql: SqlClient.SqlClient
  /** Pages of one account are paid one after the other, whichever processes work on them. */
  readonly alone: Statement.Fragment
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const ledger: Ledger = {
    sql,
    alone: sql.onDialectOrElse({ sqlite: () => sql``, orElse: () => sql`FOR UPDATE` })
  }
  return Accounts.of({
    open: (account) => open(ledger, account),
    topUp: (id, amount, payment) => topUp(ledger, id, amount, payment),
    canPay: (id) => canPay(ledger, id),
    charge: (id, page) => charge(ledger, id, page),
    entries: (id) => entries(ledger, id),
    byKey: (apiKey) =>
      Effect.map(sql<{ id: string }>`SELECT id FROM accounts WHERE key_hash = ${hash(apiKey)}`, ([account]) =>
        Option.fromUndefinedOr(account)
      ),
    balance: (id) => Effect.map(balance(sql, id), (found) => Option.getOrElse(found, () => 0)),
    list: Effect.map(sql<Stored<Account, "balance">>`SELECT id, balance FROM accounts ORDER BY id`, (all) =>
      all.map(accountOf)
    )
  })
})

const inTransaction = <A, E, R>(self: Effect.Effect<A, E, R>, { sql }: Ledger) => sql.withTransaction(self)

/** Moves money, once for each id; gives whether this was the first time. The balances are sums that are kept. */
const move = Effect.fnUntraced(function* (
  { sql }: Ledger,
  entry: Omit<Entry, "at"> & Record<"id" | "debit" | "credit", string>
) {
  const rows =
    yield* sql`INSERT INTO ledger ${sql.insert({ ...entry, at: yield* now })} ON CONFLICT DO NOTHING RETURNING id`
  if (rows.length === 0) return false
  yield* sql`UPDATE accounts SET balance = balance + CASE id WHEN ${entry.credit} THEN ${entry.amount} ELSE ${-entry.amount} END
      WHERE id IN (${entry.debit}, ${entry.credit})`
  return true
})

const accountOf = ({ balance, id }: Stored<Account, "balance">): Account => ({ id, balance: Number(balance) })

/** What an account has; nothing if there is no such account. */
const balance = (sql: SqlClient.SqlClient, id: string) =>
  Effect.map(sql<Stored<Account, "balance">>`SELECT id, balance FROM accounts WHERE id = ${id}`, ([account]) =>
    Option.map(Option.fromUndefinedOr(account), (one) => accountOf(one).balance)
  )

const open = Effect.fnUntraced(function* (ledger: Ledger, { apiKey, balance: amount, id }: typeof local) {
  const { sql } = ledger
  const rows = yield* sql`INSERT INTO accounts ${sql.insert({ id, key_hash: hash(apiKey), balance: 0 })}
      ON CONFLICT DO NOTHING RETURNING id`
  if (rows.length > 0 && amount > 0)
    yield* move(ledger, { id: `opening ${id}`, debit: "(cash)", credit: id, amount, why: "opening balance" })
  return rows.length > 0
}, inTransaction)

const topUp = Effect.fnUntraced(function* (ledger: Ledger, id: string, amount: Micros, payment: string) {
  const { sql } = ledger
  if (Option.isNone(yield* balance(sql, id))) return Option.none()
  const entry = `payment ${id} ${payment}`
  yield* move(ledger, { id: entry, debit: "(cash)", credit: id, amount, why: `payment ${payment}` })
  const [paid] = yield* sql<Stored<Pick<Entry, "amount">, "amount">>`SELECT amount FROM ledger WHERE id = ${entry}`
  return Option.map(yield* balance(sql, id), (left) => ({ balance: left, amount: Number(paid?.amount) }))
}, inTransaction)

const canPay = ({ alone, sql }: Ledger, id: string) =>
  Effect.map(
    sql<Stored<Account, "balance">>`SELECT id, balance FROM accounts WHERE id = ${id} ${alone}`,
    ([account]) => Number(account?.balance ?? 0) >= pagePrice
  )

const charge = Effect.fnUntraced(function* (ledger: Ledger, id: string, page: string) {
  const { alone, sql } = ledger
  const [account] = yield* sql<{ readonly balance: number | string; readonly paid: number }>`SELECT balance,
      CAST((SELECT count(*) FROM ledger WHERE id = ${`page ${page}`}) AS INTEGER) AS paid
      FROM accounts WHERE id = ${id} ${alone}`
  if (account !== undefined && account.paid > 0) return true
  if (Number(account?.balance ?? 0) < pagePrice) return false
  const entry = { id: `page ${page}`, debit: id, credit: "(pages)", amount: pagePrice, why: `page ${page}` }
  return yield* move(ledger, entry)
})

const entries = Effect.fnUntraced(function* ({ sql }: Ledger, id: string) {
  if (Option.isNone(yield* balance(sql, id))) return Option.none()
  const all = yield* sql<Stored<Entry, "amount">>`
        SELECT at, CASE WHEN debit = ${id} THEN -amount ELSE amount END AS amount, why FROM ledger
        WHERE debit = ${id} OR credit = ${id} ORDER BY at DESC, ${orderOf(sql, "ledger")} DESC LIMIT 100`
  return Option.some(all.map((entry) => ({ ...entry, amount: Number(entry.amount) })))
})

const hash = (apiKey: Redacted.Redacted): string => createHash("sha256").update(Redacted.value(apiKey)).digest("hex")
