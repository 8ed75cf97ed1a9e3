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

/** Millionths of a US dollar. */
export type Micros = number

/** What one successful page costs: 0.002 US dollars. */
export const pagePrice: Micros = 2000

/** The account that exists from the start, so that the service can be tried at once: API key `local`, 1,000 US dollars. */
export const local = { id: "local", apiKey: Redacted.make("local"), balance: 1_000_000_000 }

export class Accounts extends Context.Service<
  Accounts,
  {
    /** Opens an account, or leaves the one that has this id as it is. */
    readonly open: (account: typeof local) => Effect.Effect<void, SqlError>
    readonly byKey: (apiKey: Redacted.Redacted) => Effect.Effect<Option.Option<{ readonly id: string }>, SqlError>
    readonly balance: (id: string) => Effect.Effect<Micros, SqlError>
    /** Takes the price of a page; false, and nothing taken, where the balance is not enough. */
    readonly charge: (id: string) => Effect.Effect<boolean, SqlError>
  }
>()("@redrive/crawler/service/Accounts") {
  static readonly layer = Layer.effect(
    Accounts,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const accounts = Accounts.of({
        open: ({ apiKey, balance, id }) =>
          sql`INSERT INTO accounts ${sql.insert({ id, key_hash: hash(apiKey), balance })} ON CONFLICT DO NOTHING`,
        byKey: (apiKey) =>
          Effect.map(sql<{ id: string }>`SELECT id FROM accounts WHERE key_hash = ${hash(apiKey)}`, ([account]) =>
            Option.fromUndefinedOr(account)
          ),
        balance: (id) =>
          Effect.map(
            sql<{ balance: number }>`SELECT balance FROM accounts WHERE id = ${id}`,
            ([account]) => account?.balance ?? 0
          ),
        charge: (id) =>
          Effect.map(
            sql`UPDATE accounts SET balance = balance - ${pagePrice}
                WHERE id = ${id} AND balance >= ${pagePrice} RETURNING id`,
            (rows) => rows.length > 0
          )
      })
      yield* accounts.open(local)
      return accounts
    })
  )
}

const hash = (apiKey: Redacted.Redacted): string => createHash("sha256").update(Redacted.value(apiKey)).digest("hex")
