/**
 * Alerts as HTTP POSTs of JSON, with the headers of the Standard Webhooks convention.
 *
 * A receiver is tried again a few times if the verdict on its answer (`Judge.judge`) allows it, never sooner than its Retry-After. The URL
 * is a secret, since that is how most receivers know their senders: no error and no log shows it.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Classify from "@redrive/core/Classify"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as AlertWire from "./AlertWire.ts"
import { Sink, SinkError } from "./Sink.ts"

/**
 * The receiver of the alerts, and how deliveries are retried.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The receiver's http or https URL. Required. */
  readonly url: Redacted.Redacted
  /** How many attempts a delivery gets, including the first one. Default: 4. */
  readonly attempts?: number | undefined
  /** The wait after the first attempt, doubled after each further one. Default: 1 second. */
  readonly backoff?: Duration.Input | undefined
  /** The longest time for one attempt. Default: 10 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The longest Retry-After that a delivery waits for. Default: 1 minute. */
  readonly maxRetryAfter?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = {
  url: Check.required(Check.secret("http or https URL", Check.isHttpUrl)),
  attempts: Check.int(1),
  backoff: Check.duration(),
  attemptTimeout: Check.duration({ isEndless: true }),
  maxRetryAfter: Check.duration({ isEndless: true })
}

/** The failure of an attempt, and whether another may help. */
interface Refusal {
  readonly message: string
  readonly verdict: Verdict.Verdict
}

/**
 * A sink that posts to a URL, over the `HttpClient` in context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Sink["Service"], never, HttpClient.HttpClient> =>
  sinkOf(Check.options("WebhookSink", rules, options))

const sinkOf = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Sink["Service"], never, HttpClient.HttpClient> {
  const { attempts = 4, attemptTimeout = "10 seconds", backoff = "1 second", maxRetryAfter = "1 minute" } = options
  const client = yield* HttpClient.HttpClient

  const attempt = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<void, Refusal> =>
    client
      .execute(request)
      .pipe(
        Effect.catch(unreachable),
        Effect.flatMap(accepted),
        Effect.timeoutOrElse({ duration: attemptTimeout, orElse: () => refused("no answer in time", late) }),
        Effect.scoped
      )

  const deliver = (request: HttpClientRequest.HttpClientRequest, number: number): Effect.Effect<void, SinkError> =>
    Effect.catch(attempt(request), ({ message, verdict }) => {
      const pause = Duration.times(Duration.fromInputUnsafe(backoff), 2 ** (number - 1))
      const wait = Verdict.retryAfter(verdict) ?? Duration.zero
      const isVain = !mayHelp(verdict, number) || Duration.isGreaterThan(wait, Duration.fromInputUnsafe(maxRetryAfter))
      if (isVain || number >= attempts) return Effect.fail(new SinkError({ sink: "webhook", message }))
      return Effect.delay(deliver(request, number + 1), Duration.max(pause, wait))
    })

  return Sink.of({
    send: Effect.fnUntraced(function* (alerts) {
      const now = yield* DateTime.now
      const id = `msg_${yield* identifier}`
      const request = HttpClientRequest.post(Redacted.value(options.url)).pipe(
        // All attempts of a delivery carry one id, by which a receiver knows what it has had already.
        HttpClientRequest.setHeaders({ "webhook-id": id, "webhook-timestamp": seconds(now) }),
        HttpClientRequest.bodyJsonUnsafe(AlertWire.body(alerts, now))
      )
      yield* deliver(request, 1)
    })
  })
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Sink, never, HttpClient.HttpClient> =>
  Layer.effect(Sink, make(options))

/** Whether another attempt may help after so many. */
const mayHelp = (verdict: Verdict.Verdict, attempts: number): boolean =>
  Verdict.isRetryable(verdict) && !(verdict._tag === "Transient" && attempts > (verdict.limit ?? Infinity))

const refused = (message: string, failure: unknown): Effect.Effect<never, Refusal> =>
  Effect.flatMap(Judge.judge(failure), (verdict) => Effect.fail({ message, verdict }))

const late = new Cause.TimeoutError()

const unreachable = (cause: unknown): Effect.Effect<never, Refusal> => {
  const { code, detail = code } = Classify.thrown(cause)
  return refused(`no answer: ${detail}`, cause)
}

const accepted = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void, Refusal> => {
  const { headers, status } = response
  return status >= 200 && status <= 299 ? Effect.void : refused(`answered ${status}`, { status, headers })
}

const seconds = (at: DateTime.Utc): string => String(Math.floor(DateTime.toEpochMillis(at) / 1000))

/** 96 bits of chance in hexadecimal digits. */
const identifier = Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 2 ** 32), 3), (parts) =>
  parts.map((part) => part.toString(16).padStart(8, "0")).join("")
)
