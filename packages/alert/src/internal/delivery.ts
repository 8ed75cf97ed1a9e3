import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type { Alert } from "../Alert.ts"
import type { MessageOf, Receipt, Service, SinkError } from "../Sink.ts"
import * as Backlog from "./backlog.ts"
import * as Health from "./health.ts"
import * as Sending from "./sending.ts"

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

export const make = <R>(
  name: string,
  sink: Service<R>,
  ledger: Ledger,
  messageOf: MessageOf,
  isFirst?: (alert: Alert) => boolean
): Delivery<R> => {
  const isPaced = Duration.toMillis(Duration.fromInputUnsafe(sink.pace ?? 0)) > 0
  const backlog = Backlog.make(isFirst)
  const health = Health.make(name, sink, ledger)
  const sending = Sending.make(name, sink, messageOf, health, ledger)
  /** Open while there may be something to deliver. */
  const news = Latch.makeUnsafe(false)
  /** Open while no attempt is under way. */
  const idle = Latch.makeUnsafe(true)
  let isClosing = false

  const turn = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      idle.closeUnsafe()
      const { most, send } = sending.plan(backlog.size())
      const taken = backlog.take(most)
      return Effect.onExit(restore(send(taken)), (exit) =>
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
      const wait = health.freeAt() - (yield* Clock.currentTimeMillis)
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
    run: Effect.forEach(Array.from({ length: isPaced ? 1 : (sink.concurrency ?? 4) }), () => worker, {
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
      let before = until > 0 && health.state().failures > 0 ? backlog.size() : Infinity
      while (backlog.size() > 0) {
        if (backlog.size() >= before) {
          if (health.freeAt() >= until) return
          yield* Effect.sleep(Math.max(0, health.freeAt() - (yield* Clock.currentTimeMillis)))
        }
        before = backlog.size()
        yield* turn
      }
    }),
    waiting: backlog.all,
    rest: backlog.rest,
    state: () => ({
      name,
      kind: sink.kind ?? "sink",
      waiting: backlog.size(),
      since: backlog.since(),
      nextAt: backlog.size() > 0 ? health.freeAt() : undefined,
      ...health.state()
    })
  }
}
