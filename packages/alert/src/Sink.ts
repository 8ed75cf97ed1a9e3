/**
 * Where alerts go: a sink is a function that makes one attempt to deliver alerts, and facts about its channel.
 *
 * Retrying, pacing, splitting and keeping are the alerter's, once for all sinks; it may have several deliveries under way (`concurrency`). A sink
 * says what its channel can take, sends, and says what the answer meant: a receipt, or an error with core's verdict on it.
 *
 * @since 0.1.0
 */
import type * as Verdict from "@redrive/core/Verdict"
import type * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Alert } from "./Alert.ts"

/**
 * Why an attempt failed.
 *
 * `unreachable`: no connection, or none that held. `timeout`: no answer in time. `busy`: asked to come back later. `refused`: this delivery will
 * never be taken. `too large`: a smaller one may be. `redirect`: the address answers that another one is meant. `gone`: the channel is not there, or
 * does not let us in, and takes nothing until somebody mends it. `failed`: anything else.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = "unreachable" | "timeout" | "busy" | "refused" | "too large" | "redirect" | "gone" | "failed"

/**
 * An attempt that failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class SinkError extends Data.TaggedError("SinkError")<{
  /** What kind of sink it was, such as `slack`. */
  readonly sink: string
  /** What happened, without secrets. */
  readonly message: string
  /** Why. Default: `failed`. */
  readonly reason?: Reason | undefined
  /** Whether another attempt may help, and when. Default: as for any unknown failure. */
  readonly verdict?: Verdict.Verdict | undefined
  /** Whether the receiver may have taken the delivery all the same. Default: `true`. */
  readonly isAmbiguous?: boolean | undefined
  /** What was thrown, if anything was. */
  readonly cause?: unknown
}> {}

/**
 * What is known of a delivery that was taken.
 *
 * @category models
 * @since 0.1.0
 */
export interface Receipt {
  /** What the channel calls the message, for those whose messages can be changed later. Default: none. */
  readonly id?: string | undefined
}

/**
 * What a sink's channel calls the message about an incident, if the sink has `isEdited` and gave a receipt with an `id`; kept by the alerter, and over
 * restarts by its outbox.
 *
 * @category models
 * @since 0.1.0
 */
export type MessageOf = (incident: string) => string | undefined

/**
 * A sink.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service<out R = never> {
  /** One attempt to deliver alerts together. It may fail, die or never end: the alerter bounds it. */
  readonly send: (
    alerts: Arr.NonEmptyReadonlyArray<Alert>,
    messageOf: MessageOf
  ) => Effect.Effect<Receipt | void, SinkError, R>
  /** Whether the channel is there and lets us in, found without a message to people. It is run at the start. Default: not known. */
  readonly check?: Effect.Effect<void, SinkError, R> | undefined
  /** What kind of sink it is, such as `slack`, for messages and metrics. Default: `sink`. */
  readonly kind?: string | undefined
  /** How many alerts one delivery may hold. Default: 100. */
  readonly batch?: number | undefined
  /** From how many waiting alerts on they are told as one, which says in short what they say; for people, not for programs. Default: never. */
  readonly digestFrom?: number | undefined
  /** How long one attempt may take. Default: 30 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** How many deliveries may be under way at once, so that one that hangs does not hold up the others; with a `pace` it is 1. Default: 4. */
  readonly concurrency?: number | undefined
  /** The least time between two deliveries. Default: none. */
  readonly pace?: Duration.Input | undefined
  /** The wait after the first attempt that failed, doubled after each further one, up to 5 minutes. Default: 1 second. */
  readonly backoff?: Duration.Input | undefined
  /** The longest wait that a receiver may ask for. Default: 1 day. */
  readonly maxRetryAfter?: Duration.Input | undefined
  /** How many attempts in a row may fail before the sink counts as down and the fallback is told. Default: 4. */
  readonly attempts?: number | undefined
  /** Whether the receiver knows a delivery that it has had already by its id. Default: `false`. */
  readonly isIdempotent?: boolean | undefined
  /**
   * What follows when the answer to a delivery is lost, and the receiver does not know repeats: `repeat` shows some alerts twice, and `drop` loses
   * some. Default: `repeat`.
   */
  readonly whenUnsure?: "repeat" | "drop" | undefined
  /**
   * Whether what follows about an incident changes its message, so that the `id` of each receipt is kept until the incident is over. Only for sinks with
   * a `batch` of 1. Default: `false`.
   */
  readonly isEdited?: boolean | undefined
  /** What a receipt proves: that people can read it, or that it was taken for delivery. Default: `accepted`. */
  readonly proves?: "accepted" | "shown" | undefined
}

/**
 * The sink of an alerter that has one.
 *
 * @category services
 * @since 0.1.0
 */
export class Sink extends Context.Service<Sink, Service>()("@redrive/alert/Sink") {}

/**
 * A sink as the one of an alerter that has one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R>(sink: Service<R>): Layer.Layer<Sink, never, R> =>
  Layer.effect(
    Sink,
    Effect.map(Effect.context<R>(), (context) => {
      const { check, send, ...facts } = sink
      return Sink.of({
        ...facts,
        ...(check !== undefined && { check: Effect.provideContext(check, context) }),
        send: (alerts, messageOf) => Effect.provideContext(send(alerts, messageOf), context)
      })
    })
  )
