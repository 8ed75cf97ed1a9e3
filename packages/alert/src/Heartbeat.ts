/**
 * Tells a watchdog that the program is alive, so that somebody hears when it is not: Healthchecks, or anything that misses a ping.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Http from "./internal/http.ts"

/**
 * Whom to tell, and how often.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The URL that is pinged; `/fail` is added to it when the program fails. Required. */
  readonly url: Redacted.Redacted
  /** How often. Default: 1 minute. */
  readonly every?: Duration.Input | undefined
  /** Whether all is well, asked each time; if not, or if it fails, the ping goes to `/fail`. Default: all is well as long as the program runs. */
  readonly check?: Effect.Effect<boolean, unknown> | undefined
}

const rules: Check.Rules<Options> = {
  url: Check.required(Check.secret("http or https URL", Check.isHttpUrl)),
  every: Check.duration(),
  check: Check.where("an Effect", Effect.isEffect)
}

/**
 * Pings while its scope is open, and once more at its end if that is a failure. A ping that fails is not made again before the next is due: the watchdog
 * says so.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<never, never, HttpClient.HttpClient> => {
  const { check = Effect.succeed(true), every = "1 minute", url } = Check.options("Heartbeat.layer", rules, options)
  const ping = (path: string) =>
    Http.send(HttpClientRequest.post(`${Redacted.value(url).replace(/\/+$/, "")}${path}`), { kind: "heartbeat" }).pipe(
      Effect.timeout("10 seconds"),
      Effect.ignoreCause
    )
  return Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? Effect.void : ping("/fail")))
      const beat = Effect.flatMap(
        Effect.catchCause(check, () => Effect.succeed(false)),
        (isWell) => ping(isWell ? "" : "/fail")
      )
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(beat, Effect.sleep(every))))
    })
  )
}
