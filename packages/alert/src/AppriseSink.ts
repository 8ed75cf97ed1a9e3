/**
 * Alerts by way of an Apprise API, which passes them on to any of its hundred and more services.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Alert from "./Alert.ts"
import * as Http from "./internal/http.ts"
import { factsOf } from "./internal/texts.ts"
import { layer as layerSink, type Service, type Sink } from "./Sink.ts"

/**
 * The Apprise API, and which of its services are told.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The address of `/notify/KEY`, or of `/notify` with `services`. Required. */
  readonly url: Redacted.Redacted
  /** The services' own URLs, such as `mailto://…`. Default: those that are stored under the key. */
  readonly services?: ReadonlyArray<Redacted.Redacted> | undefined
  /** Which of the stored services, by their tag. Default: all. */
  readonly tag?: string | undefined
}

const rules: Check.Rules<Options> = {
  url: Check.required(Check.secret("http or https URL", Check.isHttpUrl)),
  services: Check.where("a list of Redacted URLs", (list) => Array.isArray(list) && list.every(Redacted.isRedacted)),
  tag: Check.text
}

const types = {
  Fatal: "failure",
  Error: "failure",
  Warn: "warning",
  Info: "info",
  Debug: "info",
  Trace: "info"
} as const satisfies { readonly [Severity in Alert.Alert["severity"]]: string }

/**
 * A sink that sends a notification for each alert. What a success proves is up to the services.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Service<HttpClient.HttpClient> => {
  const { services, tag, url } = Check.options("AppriseSink", rules, options)
  return {
    kind: "apprise",
    batch: 1,
    digestFrom: 20,
    isIdempotent: false,
    proves: "accepted",
    send: ([alert]) => {
      const body = {
        title: Alert.title(alert),
        body: [alert.message, "", ...factsOf(alert).map(([name, value]) => `${name}: ${value}`)].join("\n"),
        type: Alert.isOver(alert) ? "success" : types[alert.severity],
        format: "text",
        ...(services !== undefined && { urls: services.map((one) => Redacted.value(one)).join(",") }),
        ...(tag !== undefined && { tag })
      }
      const request = HttpClientRequest.post(Redacted.value(url)).pipe(
        HttpClientRequest.bodyText(JSON.stringify(body), "application/json")
      )
      return Effect.asVoid(Http.send(request, { kind: "apprise" }))
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
