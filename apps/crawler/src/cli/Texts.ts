/**
 * The pages' texts, fetched from the service that keeps them.
 */
import * as Classify from "@redrive/core/Classify"
import type * as Job from "@redrive/core/Job"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

/** A page and its Markdown. */
export interface Page {
  readonly item: Job.Item
  readonly markdown: string
}

/** A page whose text could not be had, and why. */
export interface Missing {
  readonly item: Job.Item
  readonly why: string
}

export interface Options {
  readonly url: string
  readonly apiKey: Redacted.Redacted
}

/** Texts that are fetched at a time. */
const concurrency = 4

const policy = RetryPolicy.make({ retries: 2, attemptTimeout: Duration.seconds(30) })

/** The texts of items that are done, in the items' order. A service that does not answer is not asked for further texts. */
export const of = (
  items: ReadonlyArray<Job.Item>,
  options: Options
): Stream.Stream<Result.Result<Page, Missing>, never, HttpClient.HttpClient> => {
  let silent: string | undefined
  const text = Effect.fnUntraced(function* (item: Job.Item) {
    if (silent !== undefined) return Result.fail({ item, why: silent })
    const fetched = yield* Effect.result(fetch(item, options))
    if (Result.isSuccess(fetched)) return Result.succeed({ item, markdown: fetched.success })
    const { isSilent, why } = fetched.failure
    if (isSilent) silent = why
    return Result.fail({ item, why })
  })
  return Stream.fromIterable(items).pipe(Stream.mapEffect(text, { concurrency }))
}

const fetch = Effect.fnUntraced(function* (item: Job.Item, { apiKey, url }: Options) {
  const address = URL.canParse(item.markdownContentUrl, url) ? new URL(item.markdownContentUrl, url) : undefined
  if (item.markdownContentUrl === "" || address === undefined) {
    return yield* Effect.fail({ isSilent: false, why: "the API names no address for it" })
  }
  const request = HttpClientRequest.get(address)
  // The key is for the API alone; texts may be kept elsewhere.
  const authorized = address.origin === new URL(url).origin ? HttpClientRequest.bearerToken(request, apiKey) : request
  const client = yield* HttpClient.HttpClient
  return yield* client.execute(authorized).pipe(
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.flatMap((response) => response.text),
    Retry.retry(policy, { name: "text", operation: "read" }),
    Effect.mapError(({ failure }) => whyOf(failure))
  )
})

const whyOf = (failure: HttpClientError.HttpClientError | Retry.Added) => {
  const response = HttpClientError.isHttpClientError(failure) ? failure.response : undefined
  if (response !== undefined) return { isSilent: false, why: `the API answered with status ${response.status}` }
  const { code, detail = code } = Classify.thrown(failure)
  return { isSilent: true, why: `no answer of the API: ${detail}` }
}
