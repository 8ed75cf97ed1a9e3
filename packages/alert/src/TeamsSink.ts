/**
 * Alerts as cards in Microsoft Teams, by the webhook of a workflow.
 *
 * A workflow accepts a message before it posts it, so that a success proves that only. It posts a message that is sent twice twice.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Http from "./internal/http.ts"
import { layer as layerSink, type Service, type Sink } from "./Sink.ts"
import * as TeamsWire from "./TeamsWire.ts"

/**
 * The workflow that messages go to.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The URL of the workflow's webhook. Required. */
  readonly url: Redacted.Redacted
}

const rules: Check.Rules<Options> = { url: Check.required(Check.secret("http or https URL", Check.isHttpUrl)) }

/** Older webhooks answer 200, and say in the text which status they mean. */
const refusal: Http.Channel["refusal"] = ({ text }) => {
  const [, status] = /returned HTTP error (\d{3})/.exec(text) ?? []
  if (status === undefined) return undefined
  const verdict = Judge.verdictOf({ status: Number(status) })
  const isRetryable = Verdict.isRetryable(verdict)
  return { message: `answered ${status} in a 200`, reason: isRetryable ? "busy" : "refused", verdict }
}

/**
 * A sink that posts a card for each alert.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Service<HttpClient.HttpClient> => {
  const { url } = Check.options("TeamsSink", rules, options)
  return {
    kind: "teams",
    batch: 1,
    digestFrom: 20,
    pace: "500 millis",
    isIdempotent: false,
    proves: "accepted",
    send: ([alert]) => {
      const request = HttpClientRequest.post(Redacted.value(url)).pipe(
        HttpClientRequest.bodyText(JSON.stringify(TeamsWire.body(alert)), "application/json")
      )
      return Effect.asVoid(Http.send(request, { kind: "teams", refusal }))
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
