/**
 * The three ways in which a job itself fails, each brought about for real.
 */
import { DatabaseSync } from "node:sqlite"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Accounts from "../service/Accounts.ts"
import * as PlainHttp from "../service/PlainHttp.ts"
import * as Service from "../service/Service.ts"

const clientOf = Effect.fnUntraced(function* (apiKey: Redacted.Redacted) {
  const { url } = yield* Service.Service
  return yield* CrawlClient.make({ url, apiKey }).pipe(Effect.provide(PlainHttp.layer))
})

/** Whatever is asked is refused by name of the field. */
const badPattern = Effect.fnUntraced(function* (site: string) {
  const client = yield* clientOf(Accounts.local.apiKey)
  const error = yield* Effect.flip(client.create(CrawlApi.CrawlRequest.make({ url: site, whitelistRegexp: "(" })))
  return { by: "an invalid whitelist_regexp: (", error }
})

/** An account that can pay for two pages begins a job, and asks for another when its money is gone. */
const emptyAccount = Effect.fnUntraced(function* (site: string) {
  const { accounts } = yield* Service.Service
  const apiKey = Redacted.make("small")
  yield* Effect.orDie(accounts.open({ id: "small", apiKey, balance: 2 * Accounts.pagePrice }))
  const client = yield* clientOf(apiKey)
  const request = CrawlApi.CrawlRequest.make({ url: site, whitelistRegexp: "/page/" })
  yield* client.crawl(request)
  const error = yield* Effect.flip(client.create(request))
  return { by: "an account whose balance ran out after two pages", error }
})

/** A table disappears under the service, as on a failing disk. */
const brokenStore = Effect.fnUntraced(function* (site: string, database: string) {
  yield* Effect.sync(() => {
    const other = new DatabaseSync(database)
    other.exec("PRAGMA foreign_keys = OFF; DROP TABLE items")
    other.close()
  })
  const client = yield* clientOf(Accounts.local.apiKey)
  const error = yield* Effect.flip(client.create(CrawlApi.CrawlRequest.make({ url: site })))
  return { by: "a store that lost a table", error }
})

/** All three, each with what was done to bring it about; the one that breaks the store last. */
export const all = (site: string, database: string) =>
  Effect.all([badPattern(site), emptyAccount(site), brokenStore(site, database)])
