/**
 * Alerts as HTTP POSTs of JSON, signed as Standard Webhooks ask for.
 *
 * A receiver knows by `webhook-id` what it has had already, by `webhook-timestamp` how old an attempt is, and by `webhook-signature` that it is yours. The
 * URL is a secret, since that is how many receivers know their senders: no error and no log shows it.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import type { Alert } from "./Alert.ts"
import * as AlertWire from "./AlertWire.ts"
import * as Http from "./internal/http.ts"
import * as Signature from "./internal/signature.ts"
import { layer as layerSink, type Service, type Sink } from "./Sink.ts"

/**
 * The receiver of the alerts, and how deliveries are paced.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The receiver's http or https URL. Required. */
  readonly url: Redacted.Redacted
  /**
   * The secrets that sign a delivery, as `whsec_` and Base64 of 24 to 64 bytes; several while they are rotated, of which a receiver takes any.
   * Default: deliveries are not signed.
   */
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
  /** How many attempts in a row may fail before the sink counts as down. Default: 4. */
  readonly attempts?: number | undefined
  /** The wait after the first attempt that failed, doubled after each further one, up to 5 minutes. Default: 1 second. */
  readonly backoff?: Duration.Input | undefined
  /** The longest time for one attempt. Default: 15 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The longest Retry-After that a delivery waits for. Default: 1 day. */
  readonly maxRetryAfter?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = {
  url: Check.required(Check.secret("http or https URL", Check.isHttpUrl)),
  secrets: Check.where("a list of Redacted secrets, each whsec_ and Base64 of 24 to 64 bytes", Signature.areSecrets),
  attempts: Check.int(1),
  backoff: Check.duration(),
  attemptTimeout: Check.duration({ isEndless: true }),
  maxRetryAfter: Check.duration({ isEndless: true })
}

/**
 * A sink that posts to a URL.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Service<HttpClient.HttpClient> => {
  const { secrets = [], url, ...pacing } = Check.options("WebhookSink", rules, options)
  return {
    kind: "webhook",
    attemptTimeout: "15 seconds",
    ...pacing,
    isIdempotent: true,
    send: (alerts) =>
      Effect.gen(function* () {
        const now = yield* DateTime.now
        const body = JSON.stringify(AlertWire.body(alerts))
        const id = idOf(alerts)
        const timestamp = String(Math.floor(now.epochMilliseconds / 1000))
        const signature = Signature.of(secrets, `${id}.${timestamp}.${body}`)
        const request = HttpClientRequest.post(Redacted.value(url)).pipe(
          HttpClientRequest.setHeaders({ "webhook-id": id, "webhook-timestamp": timestamp }),
          signature === "" ? (self) => self : HttpClientRequest.setHeader("webhook-signature", signature),
          HttpClientRequest.bodyText(body, "application/json")
        )
        yield* Http.send(request, { kind: "webhook" })
      })
  }
}

/**
 * The sink of an alerter that has one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Sink, never, HttpClient.HttpClient> => layerSink(make(options))

/** The same for the same alerts: a receiver knows by it what it has had already. */
const idOf = (alerts: ReadonlyArray<Alert>): string =>
  `msg_${createHash("sha256")
    .update(alerts.map(({ id }) => id).join("\n"))
    .digest("hex")
    .slice(0, 32)}`
