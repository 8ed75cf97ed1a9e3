/**
 * Who asks, by an API key, and whether that is too often.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Result from "effect/Result"
import { Accounts } from "./Accounts.ts"
import { ownFault } from "./ownFault.ts"

/** Answers an account that asks too often. Each account has a bucket of requests for a minute, which fills again evenly. */
const throttle = Effect.fnUntraced(function* (id: string, limit: number) {
  const limiter = yield* RateLimiter.RateLimiter
  const taken = yield* Effect.result(
    limiter.consume({ algorithm: "token-bucket", window: "1 minute", limit, key: id, onExceeded: "fail" })
  )
  if (Result.isSuccess(taken) || taken.failure.reason._tag !== "RateLimitExceeded") return undefined
  const seconds = Math.max(1, Math.ceil(Duration.toSeconds(taken.failure.reason.retryAfter)))
  const reason = new JobError.ApiThrottled({ lastError: `too many requests: at most ${limit} a minute` })
  const headers = { "retry-after": String(seconds) }
  return HttpServerResponse.jsonUnsafe(Wire.envelope(reason), { status: 429, headers })
})

export const layer = (requestsPerMinute: number) =>
  Layer.effect(
    CrawlApi.Authorization,
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const limiter = yield* RateLimiter.RateLimiter
      return CrawlApi.Authorization.of({
        bearer: Effect.fnUntraced(function* (app, { credential }) {
          const account = yield* accounts.byKey(credential).pipe(ownFault({ operation: "poll" }))
          if (Option.isNone(account)) {
            return yield* CrawlApi.refused(
              new JobError.Unauthorized({ lastError: "api key is invalid: send it as a bearer token" })
            )
          }
          const throttled = yield* throttle(account.value.id, requestsPerMinute).pipe(
            Effect.provideService(RateLimiter.RateLimiter, limiter)
          )
          return throttled ?? (yield* Effect.provideService(app, CrawlApi.CurrentAccount, account.value))
        })
      })
    })
  )
