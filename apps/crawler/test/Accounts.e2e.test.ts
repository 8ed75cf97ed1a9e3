import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { Accounts, pagePrice } from "../src/service/Accounts.ts"
import * as Database from "../src/service/Database.ts"
import { crawl, layer } from "./api.ts"
import { run } from "./cli.ts"
import { folder } from "./files.ts"
import { site } from "./origin.ts"

const Step = Schema.Struct({
  what: Schema.Literals(["page", "payment"]),
  account: Schema.Literals(["a", "b", "none"]),
  id: Schema.Literals([1, 2, 3]),
  amount: Schema.Literals([1, pagePrice, 3 * pagePrice])
})

describe("accounts", () => {
  it.effect.prop(
    "have what their ledger says, are never below zero, and pay each page and book each payment once",
    { steps: Schema.Array(Step).check(Schema.isMaxLength(20)) },
    ({ steps }) =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const sql = yield* SqlClient.SqlClient
        for (const id of ["a", "b"]) yield* accounts.open({ id, apiKey: Redacted.make(id), balance: 2 * pagePrice })
        for (const { account, amount, id, what } of steps)
          if (what === "page") yield* accounts.charge(account, String(id))
          else yield* accounts.topUp(account, amount, String(id))
        for (const { balance, id } of yield* accounts.list) {
          const [sum] = yield* sql<{ n: number }>`SELECT
            coalesce(sum(CASE WHEN credit = ${id} THEN amount ELSE -amount END), 0) AS n
            FROM ledger WHERE credit = ${id} OR debit = ${id}`
          assert.strictEqual(balance, sum?.n)
          assert.isAtLeast(balance, 0)
        }
        const pages = steps.filter(({ what }) => what === "page").map(({ id }) => id)
        const [paid] = yield* sql<{ n: number }>`SELECT count(*) AS n FROM ledger WHERE credit = '(pages)'`
        assert.isAtMost(paid?.n ?? 0, new Set(pages).size)
      }).pipe(Effect.provide(Layer.provideMerge(Accounts.layer, Database.layer(":memory:")))),
    { arbitrary: { runs: 60 } }
  )

  it.effect("that are not there get no money", () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      assert.isTrue(Option.isNone(yield* accounts.topUp("none", 1, "1")))
      assert.isFalse(yield* accounts.charge("none", "1"))
    }).pipe(Effect.provide(Layer.provideMerge(Accounts.layer, Database.layer(":memory:"))))
  )

  it.live("are opened and paid into by a command while the service runs", () =>
    Effect.gen(function* () {
      const database = `${yield* folder}/crawl.db`
      const cli = (...args: ReadonlyArray<string>) => run(["accounts", ...args, "--database", database])
      const { url } = yield* site({ "/": "<p>text</p>" })
      const early = yield* cli("list")
      assert.deepStrictEqual([early.code, early.stderr.includes("there is no database")], [1, true])
      yield* Effect.scoped(
        Effect.provide(
          Effect.gen(function* () {
            const opened = yield* cli("open", "shop")
            const key = /shown once: (\S+)/.exec(opened.stdout)?.[1] ?? ""
            assert.include((yield* cli("open", "(cash)")).stderr, "account")
            const again = yield* cli("open", "shop")
            assert.deepStrictEqual([again.code, again.stderr.includes("there is an account shop")], [1, true])
            assert.strictEqual((yield* cli("entries", "shop")).stdout.trim(), "no money has moved on account shop")
            const paid = yield* cli("top-up", "shop", "--amount", "0.01", "--id", "i1")
            assert.strictEqual(paid.stdout.trim(), "account shop has 0.010 dollars")
            assert.strictEqual((yield* cli("top-up", "shop", "--amount", "0.01", "--id", "i1")).stdout, paid.stdout)
            const other = yield* cli("top-up", "shop", "--amount", "0.02", "--id", "i1")
            assert.strictEqual(other.code, 1)
            assert.include(other.stderr, "payment i1 was paid in before, with 0.010 dollars")
            const job = yield* crawl({ url }, key)
            assert.strictEqual(job.status, "done")
            assert.match((yield* cli("list")).stdout, /local +1000\.000\nshop +0\.008/)
            assert.match((yield* cli("entries", "shop")).stdout, /-0\.002 +page .*\n.* 0\.010 +payment i1/)
          }),
          layer({ database })
        )
      )
      for (const amount of ["0", "-1", "x", "1e9"]) {
        const { code, stderr } = yield* cli("top-up", "shop", "--amount", amount, "--id", "i2")
        assert.strictEqual(code, 1)
        assert.match(stderr, /amount/)
      }
      const none = yield* cli("top-up", "nobody", "--amount", "1", "--id", "i3")
      assert.include(none.stderr, "there is no account nobody")
    })
  )
})
