import * as Verdict from "@redrive/core/Verdict"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import type { Alert } from "../Alert.ts"
import { type MessageOf, type Receipt, type Service, SinkError } from "../Sink.ts"
import * as Backlog from "./backlog.ts"
import { digestOf } from "./digest.ts"

/** What became of alerts at one sink. It is called synchronously, and must not throw. */
export interface Ledger {
  readonly delivered: (sink: string, alerts: ReadonlyArray<Alert>, receipt: Receipt | undefined) => void
  /** An incident was over before the sink took its first alert: nobody is told of so many failures. */
  readonly collapsed: (sink: string, alert: Alert, untold: number) => void
  /** The sink will never take them. */
  readonly refused: (sink: string, alerts: ReadonlyArray<Alert>, error: SinkError) => void
  /** These ids of alerts need not be kept any more: they were taken, refused for good, or are told by none. */
  readonly settled: (sink: string, ids: ReadonlyArray<string>) => void
  readonly attemptFailed: (sink: string, error: SinkError, nextAt: number) => void
  /** The sink may have taken them, and would show them twice: they are not sent again. */
  readonly unsure: (sink: string, alerts: ReadonlyArray<Alert>, error: SinkError) => void
  /** So many attempts in a row failed, or the channel is gone. */
  readonly down: (sink: string, error: SinkError) => void
  readonly up: (sink: string) => void
}

/** One sink, and what waits for it. */
export interface Delivery<R> {
  readonly name: string
  /** Adds an alert, which is delivered from the next `wake` on. `isTried` says that an earlier process may have delivered it. */
  readonly offer: (alert: Alert, isTried?: boolean) => void
  readonly wake: () => void
  /** Delivers what waits, again and again. */
  readonly run: Effect.Effect<never, never, R>
  /** From now on `run` takes nothing any more: what waits is left to `flush`. */
  readonly stop: () => void
  /**
   * Lets attempts that are under way end, and then delivers what waits: each part once, and again after its wait if that ends before a time, in
   * epoch milliseconds.
   */
  readonly flush: (until?: number) => Effect.Effect<void, never, R>
  /** What waits, or is under way. */
  readonly waiting: () => ReadonlyArray<Alert>
  /** The same, and it waits no longer. */
  readonly rest: () => ReadonlyArray<Alert>
  readonly state: () => State
}

/**
 * How a sink is.
 *
 * @category models
 * @since 0.1.0
 */
export interface State {
  /** Its name, as routes know it. */
  readonly name: string
  /** What kind of sink it is, such as `slack`. */
  readonly kind: string
  /** Whether so many attempts in a row failed that its fallback is told. */
  readonly isDown: boolean
  /** How many alerts wait, those under way included. */
  readonly waiting: number
  /** When the first of them was made, in epoch milliseconds. */
  readonly since: number | undefined
  /** How many attempts have failed since the last that did not. */
  readonly failures: number
  /** When the next attempt is made, in epoch milliseconds. */
  readonly nextAt: number | undefined
  /** What the last attempt failed with, if it failed. */
  readonly lastError: SinkError | undefined
}

/** A channel that is gone is looked for again after so long. */
const gone = 15 * 60_000

const millis = (input: Duration.Input | undefined, otherwise: number) =>
  input === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(input))

/** Whether a smaller delivery, or none, is all that is left. */
const isFinal = ({ reason }: SinkError): boolean => reason === "refused" || reason === "too large"

/** Whether alerts that may have been taken are not sent again. */
const isDropped = (
  { isIdempotent = false, whenUnsure = "repeat" }: Pick<Service<unknown>, "isIdempotent" | "whenUnsure">,
  { isAmbiguous, reason }: SinkError
) => whenUnsure === "drop" && !isIdempotent && (isAmbiguous ?? true) && reason !== "busy" && reason !== "gone"

/** One digest stands for no more alerts. */
const mostInDigest = 10_000

/** No wait grows beyond this. */
const mostBackoff = 5 * 60_000

export const make = <R>(
  name: string,
  sink: Service<R>,
  ledger: Ledger,
  messageOf: MessageOf,
  isFirst?: (alert: Alert) => boolean
): Delivery<R> => {
  const kind = sink.kind ?? "sink"
  const batch = sink.batch ?? 100
  const attempts = sink.attempts ?? 4
  const attemptTimeout = millis(sink.attemptTimeout, 30_000)
  const pace = millis(sink.pace, 0)
  const backoff = millis(sink.backoff, 1000)
  const maxRetryAfter = millis(sink.maxRetryAfter, 86_400_000)

  const backlog = Backlog.make(isFirst)
  const news = Latch.makeUnsafe(false)
  const idle = Latch.makeUnsafe(true)
  let isClosing = false
  let failures = 0
  let isDown = false
  let freeAt = 0
  let lastError: SinkError | undefined
  /** A digest that is refused is no reason to refuse what is in it. */
  let takesDigests = true

  /** One attempt. Whatever the sink does, it ends in time, with a receipt or an error of ours. */
  const attempt = (alerts: Arr.NonEmptyReadonlyArray<Alert>): Effect.Effect<Receipt | undefined, SinkError, R> =>
    Effect.suspend(() => sink.send(alerts, messageOf)).pipe(
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

  const succeeded = (alerts: ReadonlyArray<Alert>, receipt: Receipt | undefined, now: number) => {
    failures = 0
    lastError = undefined
    freeAt = now + pace
    const wasDown = isDown
    isDown = false
    if (wasDown) ledger.up(name)
    ledger.delivered(name, alerts, receipt)
  }

  /** Notes a failure, and gives how long the sink rests. */
  const failed = (error: SinkError, now: number, random: number): number => {
    failures++
    lastError = error
    const isGone = error.reason === "gone" || error.reason === "redirect"
    const asked = error.verdict === undefined ? undefined : Verdict.retryAfter(error.verdict)
    const least = asked === undefined ? 0 : Math.min(Duration.toMillis(asked), maxRetryAfter)
    const own = isGone ? gone : Math.min(mostBackoff, backoff * 2 ** Math.min(failures - 1, 30)) * (0.8 + 0.4 * random)
    // A clock counts whole milliseconds: a part of one would be waited for again and again.
    freeAt = now + Math.ceil(Math.max(least, own))
    ledger.attemptFailed(name, error, freeAt)
    if (!isDown && (isGone || failures >= attempts)) {
      isDown = true
      ledger.down(name, error)
    }
    return freeAt
  }

  const settle = (items: ReadonlyArray<Backlog.Item>) =>
    ledger.settled(
      name,
      items.flatMap(({ ids }) => ids)
    )

  /** One attempt for items, by the alerts that say it. Gives the error if it is final, and otherwise what is still to be delivered. */
  const tried = Effect.fnUntraced(function* (
    items: ReadonlyArray<Backlog.Item>,
    alerts: Arr.NonEmptyReadonlyArray<Alert>
  ): Effect.fn.Return<ReadonlyArray<Backlog.Item> | SinkError, never, R> {
    const own = items.map(({ alert }) => alert)
    const exit = yield* Effect.exit(attempt(alerts))
    const now = yield* Clock.currentTimeMillis
    if (Exit.isSuccess(exit)) {
      succeeded(own, exit.value, now)
      settle(items)
      return []
    }
    const error = Cause.findErrorOption(exit.cause)
    // Interrupted from outside.
    if (error._tag === "None") return items
    if (isFinal(error.value)) return error.value
    failed(error.value, now, yield* Random.next)
    if (!isDropped(sink, error.value)) return items
    settle(items)
    ledger.unsure(name, own, error.value)
    return []
  })

  /** Delivers many alerts as one that stands for them. */
  const deliverDigest = Effect.fnUntraced(function* (
    items: ReadonlyArray<Backlog.Item>
  ): Effect.fn.Return<ReadonlyArray<Backlog.Item>, never, R> {
    const alerts = items.map(({ alert }) => alert)
    const left = yield* tried(items, [digestOf(alerts, yield* Clock.currentTimeMillis)])
    if (!(left instanceof SinkError)) return left
    // Where the digest is refused, each may be taken.
    takesDigests = false
    return items
  })

  /** Delivers alerts; what is refused for good is split until it is found. Gives what is still to be delivered. */
  const deliver = (items: ReadonlyArray<Backlog.Item>): Effect.Effect<ReadonlyArray<Backlog.Item>, never, R> =>
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
      const first = yield* deliver(items.slice(0, half))
      // Where the first half could not be delivered, the second would not be either.
      const rest = items.slice(half)
      return first.length > 0 ? [...first, ...rest] : yield* deliver(rest)
    })

  const turn = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      idle.closeUnsafe()
      const isMuch = sink.digestFrom !== undefined && backlog.size() >= Math.max(sink.digestFrom, batch + 1)
      const isDigest = isMuch && takesDigests
      if (!isMuch) takesDigests = true
      const taken = backlog.take(isDigest ? mostInDigest : batch)
      return Effect.onExit(restore(isDigest && taken.length > 1 ? deliverDigest(taken) : deliver(taken)), (exit) =>
        Effect.sync(() => {
          backlog.done(taken, Exit.isSuccess(exit) ? exit.value : taken)
          if (!backlog.isUnderWay()) idle.openUnsafe()
          if (backlog.isReady()) news.openUnsafe()
        })
      )
    })
  )

  const worker = Effect.forever(
    Effect.gen(function* () {
      yield* Latch.await(news)
      const wait = freeAt - (yield* Clock.currentTimeMillis)
      if (wait > 0) yield* Effect.sleep(wait)
      // Another worker may have had to wait, and have been faster.
      else if (isClosing || !backlog.isReady()) news.closeUnsafe()
      else yield* turn
    })
  )

  return {
    name,
    offer: (alert, isTried = false) => {
      const { dropped, untold } = backlog.add(alert, isTried)
      if (dropped.length === 0) return
      ledger.collapsed(name, alert, untold)
      ledger.settled(name, dropped)
    },
    wake: () => {
      if (backlog.isReady()) news.openUnsafe()
    },
    run: Effect.forEach(Array.from({ length: pace > 0 ? 1 : (sink.concurrency ?? 4) }), () => worker, {
      concurrency: "unbounded",
      discard: true
    }) as Effect.Effect<never, never, R>,
    stop: () => {
      isClosing = true
    },
    flush: Effect.fnUntraced(function* (until: number = 0): Effect.fn.Return<void, never, R> {
      // What is under way would be sent twice if it were interrupted now.
      yield* Latch.await(idle)
      // One that has just failed rests first.
      let before = until > 0 && failures > 0 ? backlog.size() : Infinity
      while (backlog.size() > 0) {
        if (backlog.size() >= before) {
          if (freeAt >= until) return
          yield* Effect.sleep(Math.max(0, freeAt - (yield* Clock.currentTimeMillis)))
        }
        before = backlog.size()
        yield* turn
      }
    }),
    waiting: backlog.all,
    rest: backlog.rest,
    state: () => ({
      name,
      kind,
      isDown,
      waiting: backlog.size(),
      since: backlog.since(),
      failures,
      nextAt: backlog.size() > 0 ? freeAt : undefined,
      lastError
    })
  }
}
