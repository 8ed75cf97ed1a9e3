/**
 * `accounts`: who may crawl with a database, and with how much money.
 */
import { randomBytes } from "node:crypto"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { SqlError } from "effect/sql/SqlError"
import { Accounts, type Micros } from "../service/Accounts.ts"
import type { AccountFlags, AccountsFlags, OpenFlags, TopUpFlags } from "./commands.ts"
import * as Database from "./database.ts"
import { Problem } from "./Problem.ts"
import * as Table from "./Table.ts"

const on = <A>(database: string, command: Effect.Effect<A, SqlError | Problem, Accounts>) =>
  Database.on(database, Accounts.layerOnly, needs, command)

const needs = {
  table: "accounts",
  what: "accounts",
  missing: "Run serve with --database first.",
  unusable: "Give --database a database that serve made."
}

const dollars = (amount: Micros): string => (amount / 1_000_000).toFixed(3)

/** Amounts with their points below each other. */
const columnOf = (amounts: ReadonlyArray<Micros>): ReadonlyArray<string> => {
  const texts = amounts.map(dollars)
  const width = Math.max(...texts.map(({ length }) => length))
  return texts.map((text) => text.padStart(width))
}

const missing = (id: string) =>
  new Problem({ wrong: `there is no account ${id}.`, advice: "`accounts list` shows those that there are." })

export const list = ({ database }: AccountsFlags) =>
  on(
    database,
    Effect.flatMap(Accounts, (accounts) =>
      Effect.flatMap(accounts.list, (all) => {
        const balances = columnOf(all.map(({ balance }) => balance))
        return Console.log(
          Table.lines(
            ["ACCOUNT", "DOLLARS"],
            all.map(({ id }, row) => [id, balances[row] ?? ""])
          ).join("\n")
        )
      })
    )
  )

export const open = ({ account, balance, database }: OpenFlags) =>
  on(
    database,
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const key = randomBytes(24).toString("base64url")
      const amount = Math.round(balance * 1_000_000)
      if (!(yield* accounts.open({ id: account, apiKey: Redacted.make(key), balance: amount })))
        return yield* new Problem({ wrong: `there is an account ${account}.`, advice: "Choose another name." })
      yield* Console.log(`account ${account} with ${dollars(amount)} dollars; its API key, which is shown once: ${key}`)
    })
  )

export const topUp = ({ account, amount, database, id }: TopUpFlags) =>
  on(
    database,
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const micros = Math.round(amount * 1_000_000)
      const payment = yield* accounts.topUp(account, micros, id)
      if (Option.isNone(payment)) return yield* missing(account)
      if (payment.value.amount !== micros)
        return yield* new Problem({
          wrong: `payment ${id} was paid in before, with ${dollars(payment.value.amount)} dollars.`,
          advice: "Give another payment an --id of its own."
        })
      yield* Console.log(`account ${account} has ${dollars(payment.value.balance)} dollars`)
    })
  )

export const entries = ({ account, database }: AccountFlags) =>
  on(
    database,
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const all = yield* accounts.entries(account)
      if (Option.isNone(all)) return yield* missing(account)
      if (all.value.length === 0) return yield* Console.log(`no money has moved on account ${account}`)
      const amounts = columnOf(all.value.map(({ amount }) => amount))
      yield* Console.log(
        Table.lines(
          ["AT", "DOLLARS", "WHY"],
          all.value.map(({ at, why }, row) => [at, amounts[row] ?? "", why])
        ).join("\n")
      )
    })
  )
