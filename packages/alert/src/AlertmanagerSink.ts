/**
 * Alerts for a Prometheus Alertmanager, with what it expects of its clients: what fires is sent again and again, what is over for five minutes more, and
 * every member of a cluster is told.
 *
 * A process that is killed sends nothing any more, and Alertmanager takes its alerts for resolved after five minutes.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type Alert, isOver } from "./Alert.ts"
import * as AlertmanagerWire from "./AlertmanagerWire.ts"
import * as Http from "./internal/http.ts"
import { layer as layerSink, type Service, type Sink, type SinkError } from "./Sink.ts"

/**
 * The Alertmanager, and how often it is told.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The address of each member of the cluster, such as `http://127.0.0.1:9093`. Required. */
  readonly urls: ReadonlyArray<string>
  /** How often firing alerts are sent again; less than 5 minutes. Default: 1 minute. */
  readonly resendInterval?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = {
  urls: Check.required(
    Check.where(
      "a list of http or https URLs",
      (urls) =>
        Array.isArray(urls) && urls.length > 0 && urls.every((url) => typeof url === "string" && Check.isHttpUrl(url))
    )
  ),
  resendInterval: Check.duration()
}

/** How long Alertmanager believes what it was told, by default, and for how long it wants to hear that something is over. */
const believed = Duration.minutes(5)

/** What is known of an incident: its last alert, and until when that is sent again. */
interface Kept {
  readonly alert: Alert
  readonly until: number
}

/**
 * A sink that tells every member. A delivery has succeeded if one member took it, since members tell each other.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<Service<HttpClient.HttpClient>, never, HttpClient.HttpClient | Scope.Scope> => {
  const { resendInterval = "1 minute", urls } = Check.options("AlertmanagerSink", rules, options)
  const kept = new Map<string, Kept>()

  const post = (alerts: ReadonlyArray<Alert>) =>
    Effect.gen(function* () {
      const now = yield* DateTime.now
      const later = DateTime.addDuration(now, believed)
      const body = JSON.stringify(
        alerts.map((alert) => AlertmanagerWire.alert(alert, isOver(alert) ? alert.at : later))
      )
      yield* anyOf(urls, (url) =>
        HttpClientRequest.post(`${url}/api/v2/alerts`).pipe(HttpClientRequest.bodyText(body, "application/json"))
      )
    })

  const resend = Effect.gen(function* () {
    const now = (yield* DateTime.now).epochMilliseconds
    for (const [incident, { until }] of kept) if (until < now) kept.delete(incident)
    const alerts = [...kept.values()].map(({ alert }) => alert)
    for (let from = 0; from < alerts.length; from += batch)
      yield* Effect.ignoreCause(post(alerts.slice(from, from + batch)))
  })

  const sink: Service<HttpClient.HttpClient> = {
    kind: "alertmanager",
    batch,
    isIdempotent: true,
    proves: "accepted",
    check: anyOf(urls, (url) => HttpClientRequest.get(`${url}/-/ready`)),
    send: (alerts) =>
      Effect.tap(post(alerts), () =>
        Effect.sync(() => {
          for (const alert of alerts) {
            const until = isOver(alert) ? alert.at.epochMilliseconds + Duration.toMillis(believed) : Infinity
            kept.delete(alert.incident)
            kept.set(alert.incident, { alert, until })
          }
        })
      )
  }
  return Effect.as(Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(resendInterval), resend))), sink)
}

const batch = 100

/** Sends a request to every member. One that takes it is enough; otherwise it fails as the first one does. */
const anyOf = (
  urls: ReadonlyArray<string>,
  requestOf: (url: string) => HttpClientRequest.HttpClientRequest
): Effect.Effect<void, SinkError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const exits = yield* Effect.forEach(
      urls,
      (url) => Effect.exit(Http.send(requestOf(url.replace(/\/+$/, "")), { kind: "alertmanager" })),
      { concurrency: "unbounded" }
    )
    const [first] = exits
    if (first !== undefined && !exits.some(Exit.isSuccess)) yield* first
  })

/**
 * The sink of an alerter that has one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Sink, never, HttpClient.HttpClient> =>
  Layer.unwrap(Effect.map(make(options), layerSink))
