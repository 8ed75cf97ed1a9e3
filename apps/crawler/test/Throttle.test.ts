import { assert, describe, it } from "@effect/vitest"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as JobError from "@redrive/core/JobError"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as PlainHttp from "../src/service/PlainHttp.ts"
import * as Service from "../src/service/Service.ts"
import { ask, withService } from "./api.ts"

const limit = { requestsPerMinute: 3 }

const statusOf = Effect.map(ask("/v1/jobs"), ({ status }) => status)

describe("an account that asks too often", () => {
  it.effect("is told when to come back, and is served then", () =>
    withService(
      Effect.gen(function* () {
        const { accounts, url } = yield* Service.Service
        yield* accounts.open({ id: "other", apiKey: Redacted.make("other"), balance: 1_000_000 })
        for (let n = 0; n < 3; n++) assert.strictEqual(yield* statusOf, 200)
        const refused = yield* Effect.promise(() =>
          fetch(new URL("/v1/crawl", url), { method: "POST", headers: { authorization: "Bearer local" }, body: "{}" })
        )
        assert.deepStrictEqual([refused.status, refused.headers.get("retry-after")], [429, "20"])
        assert.deepStrictEqual(yield* Effect.promise(() => refused.json()), {
          error_code: "internal_error",
          error_message: "too many requests: at most 3 a minute"
        })
        assert.strictEqual((yield* ask("/v1/jobs", { key: "other" })).status, 200)
        assert.strictEqual((yield* ask("/healthz", { key: "" })).status, 200)
        yield* TestClock.adjust("19 seconds")
        assert.strictEqual(yield* statusOf, 429)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([yield* statusOf, yield* statusOf], [200, 429])
      }),
      limit
    )
  )

  it.effect("is a failure with a pause to our client", () =>
    withService(
      Effect.gen(function* () {
        const { url } = yield* Service.Service
        for (let n = 0; n < 3; n++) yield* statusOf
        const policy = RetryPolicy.make({ retries: 0 })
        const client = yield* CrawlClient.make({ url, apiKey: Redacted.make("local"), policy })
        const { reason } = yield* Effect.flip(client.get("any"))
        assert.instanceOf(reason, JobError.ApiThrottled)
        assert.deepStrictEqual(reason.retryAfter, Duration.seconds(20))
      }).pipe(Effect.provide(PlainHttp.layer)),
      limit
    )
  )
})
