/**
 * `serve --demo`: jobs of a site that misbehaves, and an account that cannot pay for its job, so that the page has something to show.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Accounts from "../service/Accounts.ts"
import * as PlainHttp from "../service/PlainHttp.ts"
import type * as Service from "../service/Service.ts"

const patient = { base: "5 seconds", cap: "40 seconds" } as const

/** Slow enough that people see pages wait. */
export const policy = RetryPolicy.make({
  retries: 4,
  maxRetryAfter: "2 minutes",
  quick: patient,
  steady: patient,
  slow: patient
})

/** Short, so that the pages that never answer leave turns to the others. */
export const timeout = "2 seconds"

/** An account for three pages of a site that has more. */
const shop = { id: "shop", apiKey: Redacted.make("shop"), balance: 3 * Accounts.pagePrice }

/** Starts the jobs. They go on as long as the site is there, which is the scope. */
export const start = Effect.fnUntraced(function* ({ accounts, url }: Service.Service["Service"]) {
  const site = yield* HostileSite.make()
  yield* accounts.open(shop)
  const request = CrawlApi.CrawlRequest.make({ url: site.url, itemsLimit: 100, respectRobotsTxt: true })
  for (const { apiKey } of [shop, Accounts.local]) {
    const create = Effect.flatMap(CrawlClient.CrawlClient, (client) => client.create(request))
    yield* Effect.provide(create, Layer.provide(CrawlClient.layer({ url, apiKey }), PlainHttp.layer))
  }
})
