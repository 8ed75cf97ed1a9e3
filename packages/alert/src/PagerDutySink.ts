/**
 * Alerts as events of PagerDuty's Events API v2, which opens an incident and resolves the same one.
 *
 * PagerDuty knows an incident by its key, so that an event that arrives twice changes nothing.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Http from "./internal/http.ts"
import * as PagerDutyWire from "./PagerDutyWire.ts"
import { layer as layerSink, type Service, type Sink } from "./Sink.ts"

/**
 * The service that is told.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The integration key of the service, 32 characters. Required. */
  readonly routingKey: Redacted.Redacted
  /** What the alerts are about, such as the name of your service. Default: `redrive`. */
  readonly source?: string | undefined
  /** Where events go: the region's address, or one of a test. Default: `https://events.pagerduty.com/v2/enqueue`. */
  readonly url?: string | undefined
}

const rules: Check.Rules<Options> = {
  routingKey: Check.required(
    Check.secret("integration key of 32 letters and digits", (key) => /^[\w-]{32}$/.test(key))
  ),
  source: Check.text,
  url: Check.where("an http or https URL", (url) => typeof url === "string" && Check.isHttpUrl(url))
}

/**
 * A sink that sends one event for each alert.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Service<HttpClient.HttpClient> => {
  const {
    routingKey,
    source = "redrive",
    url = "https://events.pagerduty.com/v2/enqueue"
  } = Check.options("PagerDutySink", rules, options)
  return {
    kind: "pagerduty",
    batch: 1,
    isIdempotent: true,
    proves: "accepted",
    // The API asks for a few minutes after a 429, and gives no number.
    backoff: "5 seconds",
    send: ([alert]) => {
      const body = JSON.stringify(PagerDutyWire.body(alert, Redacted.value(routingKey), source))
      const request = HttpClientRequest.post(url).pipe(HttpClientRequest.bodyText(body, "application/json"))
      return Effect.asVoid(Http.send(request, { kind: "pagerduty" }))
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
