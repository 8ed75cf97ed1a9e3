import * as Verdict from "@redrive/core/Verdict"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type { Alert } from "../Alert.ts"
import { type MessageOf, type Receipt, type Service, SinkError } from "../Sink.ts"
import type { Item } from "./backlog.ts"
import type { Ledger } from "./delivery.ts"
import { digestOf } from "./digest.ts"
import type { Health } from "./health.ts"

/** How many items to take at once, and how to send them. Gives what is still to be sent. */
export interface Plan<R> {
  readonly most: number
  readonly send: (items: ReadonlyArray<Item>) => Effect.Effect<ReadonlyArray<Item>, never, R>
}

/** Sends alerts to one sink, and notes what became of them. */
export interface Sending<R> {
  /** How to send next, given how many alerts wait. */
  readonly plan: (waiting: number) => Plan<R>
}

/** One digest stands for no more alerts. */
const mostInDigest = 10_000

export const make = <R>(
  name: string,
  sink: Service<R>,
  messageOf: MessageOf,
  health: Health,
  ledger: Pick<Ledger, "delivered" | "refused" | "settled" | "unsure">
): Sending<R> => {
  /** A digest that is refused is no reason to refuse what is in it. */
  let takesDigests = true

  const settle = (items: ReadonlyArray<Item>) =>
    ledger.settled(
      name,
      items.flatMap(({ ids }) => ids)
    )

  /** One attempt for items, by the alerts that say it. Gives its error if that is final, or what is left to send. */
  const tried = Effect.fnUntraced(function* (
    items: ReadonlyArray<Item>,
    alerts: Arr.NonEmptyReadonlyArray<Alert>
  ): Effect.fn.Return<ReadonlyArray<Item> | SinkError, never, R> {
    const own = items.map(({ alert }) => alert)
    const exit = yield* Effect.exit(attempt(sink, alerts, messageOf))
    const now = yield* Clock.currentTimeMillis
    if (Exit.isSuccess(exit)) {
      health.succeeded(now)
      ledger.delivered(name, own, exit.value)
      settle(items)
      return []
    }
    const error = Cause.findErrorOption(exit.cause)
    // Interrupted from outside.
    if (error._tag === "None") return items
    if (isFinal(error.value)) return error.value
    health.failed(error.value, now, yield* Random.next)
    if (!isDropped(sink, error.value)) return items
    settle(items)
    ledger.unsure(name, own, error.value)
    return []
  })

  /** Sends many alerts as one that stands for them. */
  const sendDigest = Effect.fnUntraced(function* (
    items: ReadonlyArray<Item>
  ): Effect.fn.Return<ReadonlyArray<Item>, never, R> {
    const alerts = items.map(({ alert }) => alert)
    const left = yield* tried(items, [digestOf(alerts, yield* Clock.currentTimeMillis)])
    if (!(left instanceof SinkError)) return left
    // Where the digest is refused, each may be taken.
    takesDigests = false
    return items
  })

  /** Sends alerts; what is refused for good is split until it is found. */
  const send = (items: ReadonlyArray<Item>): Effect.Effect<ReadonlyArray<Item>, never, R> =>
    Effect.gen(function* () {
      const alerts = items.map(({ alert }) => alert)
      if (!Arr.isReadonlyArrayNonEmpty(alerts)) return []
      const left = yield* tried(items, alerts)
      if (!(left instanceof SinkError)) return left
      if (alerts.length === 1) {
        settle(items)
        ledger.refused(name, alerts, left)
        return []
      }
      const half = alerts.length >> 1
      const first = yield* send(items.slice(0, half))
      // Where the first half could not be sent, the second would not be either.
      const rest = items.slice(half)
      return first.length > 0 ? [...first, ...rest] : yield* send(rest)
    })

  const batch = sink.batch ?? 100
  const single: Plan<R> = { most: batch, send }
  const digest: Plan<R> = { most: mostInDigest, send: (items) => (items.length > 1 ? sendDigest(items) : send(items)) }

  return {
    plan: (waiting) => {
      const isMuch = sink.digestFrom !== undefined && waiting >= Math.max(sink.digestFrom, batch + 1)
      if (isMuch && takesDigests) return digest
      if (!isMuch) takesDigests = true
      return single
    }
  }
}

/** One attempt. Whatever the sink does, it ends in time, with a receipt or an error of ours. */
const attempt = <R>(
  sink: Service<R>,
  alerts: Arr.NonEmptyReadonlyArray<Alert>,
  messageOf: MessageOf
): Effect.Effect<Receipt | undefined, SinkError, R> => {
  const { attemptTimeout = "30 seconds", kind = "sink" } = sink
  return Effect.suspend(() => sink.send(alerts, messageOf)).pipe(
    Effect.map((receipt) => receipt ?? undefined),
    Effect.timeoutOrElse({
      duration: attemptTimeout,
      orElse: () =>
        Effect.fail(
          new SinkError({
            sink: kind,
            message: "no answer in time",
            reason: "timeout",
            verdict: Verdict.transient("steady")
          })
        )
    }),
    Effect.catchCause((cause) => {
      const error = Cause.findErrorOption(cause)
      if (error._tag === "Some") return Effect.fail(error.value)
      // A sink that dies or interrupts itself has failed like any other; the alerter's own end is not caught here.
      return Effect.fail(new SinkError({ sink: kind, message: "the sink died", cause: Cause.squash(cause) }))
    })
  )
}

/** Whether a smaller delivery, or none, is all that is left. */
const isFinal = ({ reason }: SinkError): boolean => reason === "refused" || reason === "too large"

/** Whether alerts that may have been taken are not sent again. */
const isDropped = (
  { isIdempotent = false, whenUnsure = "repeat" }: Pick<Service<unknown>, "isIdempotent" | "whenUnsure">,
  { isAmbiguous, reason }: SinkError
) => whenUnsure === "drop" && !isIdempotent && (isAmbiguous ?? true) && reason !== "busy" && reason !== "gone"
