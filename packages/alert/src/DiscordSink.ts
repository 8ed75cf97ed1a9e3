/**
 * Alerts as messages in Discord, by a channel's webhook.
 *
 * Discord posts a message that is sent twice twice. After 10,000 refused requests in ten minutes it bans the address, so that a webhook that is gone is
 * hardly tried again.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as DiscordWire from "./DiscordWire.ts"
import * as Http from "./internal/http.ts"
import { layer as layerSink, type Service, type Sink } from "./Sink.ts"

/**
 * The webhook that messages go to.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The webhook's URL. Required. */
  readonly url: Redacted.Redacted
}

const rules: Check.Rules<Options> = { url: Check.required(Check.secret("http or https URL", Check.isHttpUrl)) }

/** Seconds with a fraction, in the body. */
const waitIn = (text: string): number | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    const seconds = Predicate.isObject(value) ? Reflect.get(value, "retry_after") : undefined
    return typeof seconds === "number" && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined
  } catch {
    return undefined
  }
}

/**
 * A sink that posts up to ten alerts in a message.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Service<HttpClient.HttpClient> => {
  const { url } = Check.options("DiscordSink", rules, options)
  const channel: Http.Channel = {
    kind: "discord",
    wait: ({ status, text }) => (status === 429 ? waitIn(text) : undefined)
  }
  return {
    kind: "discord",
    batch: 10,
    digestFrom: 50,
    pace: "500 millis",
    isIdempotent: false,
    proves: "shown",
    // Discord tells about the webhook whoever knows its URL.
    check: Effect.asVoid(Http.send(HttpClientRequest.get(Redacted.value(url)), channel)),
    send: (alerts) => {
      // Without `wait` Discord answers before it knows whether the message can be saved.
      const address = new URL(Redacted.value(url))
      address.searchParams.set("wait", "true")
      const request = HttpClientRequest.post(address.href).pipe(
        HttpClientRequest.bodyText(JSON.stringify(DiscordWire.body(alerts)), "application/json")
      )
      return Effect.asVoid(Http.send(request, channel))
    }
  }
}

/**
 * The sink of an alerter that has one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Sink, never, HttpClient.HttpClient> => layerSink(make(options))
