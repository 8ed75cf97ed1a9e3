/**
 * Each failure as one Sentry event, with the retries that led to it.
 *
 * An event is made from the report, which is bounded and without secrets; Sentry never gets the error itself. A separate fiber sends the
 * events, in batches that fit into Sentry's buffer, and counts those that it cannot send. The program's exit stays the same.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import process from "node:process"
import * as Check from "@redrive/core/Check"
import * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import * as Delivery from "./internal/delivery.ts"
import { type Captured, eventOf } from "./internal/event.ts"
import * as Sdk from "./internal/sdk.ts"
import * as Storm from "./internal/storm.ts"

/**
 * The methods of a Sentry client that the adapter uses. Every client of Sentry 10 and 11 has them, such as `getClient()` of `@sentry/node`.
 *
 * @category models
 * @since 0.1.0
 */
export type Client = Sdk.Client

/**
 * Which failures are sent, with which client, and how long to wait for it.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The client that sends the events. Default: the client that the program's `Sentry.init` made, of any version. */
  readonly client?: Client | undefined
  /** The lowest severity that is sent. Default: `Error`. */
  readonly threshold?: LogLevel.Severity | undefined
  /** The most events that may wait to be sent, from 1; further ones are dropped and counted as refused. Default: 1000. */
  readonly capacity?: number | undefined
  /** The longest wait for Sentry to answer one batch of 32 events. Default: 2 seconds. */
  readonly flushTimeout?: Duration.Input | undefined
  /**
   * Called when the scope closes with the number of failures that were dropped or that Sentry refused, and of those that it has not answered,
   * if any. Default: prints both to stderr.
   */
  readonly onLost?: ((refused: number, unheard: number) => void) | undefined
}

const rules: Check.Rules<Options> = {
  client: Check.having("captureEvent"),
  threshold: Check.severity,
  capacity: Check.int(1),
  flushTimeout: Check.duration({ isEndless: true }),
  onLost: Check.callback
}

/**
 * Sends each failure that is reported within this layer. Throws if an option is wrong.
 *
 * When the scope closes, the waiting events are sent, and `onLost` learns of those that may not have arrived. If there is no client when the
 * layer is built, or its client has no DSN, a line on stderr says so; a client that is made later is used from then on.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Layer.unwrap(make(Check.options("Sentry.layer", rules, options)))

/** Sentry's transport refuses events while 64 are in flight. */
const batch = 32

const make = Effect.fnUntraced(function* ({
  capacity = 1000,
  client: given,
  flushTimeout = "2 seconds",
  onLost = printLost,
  threshold = "Error"
}: Options): Effect.fn.Return<Layer.Layer<never>, never, Scope.Scope> {
  const delivery = Delivery.make()
  const storm = Storm.make()
  const mostWait = Duration.toMillis(Duration.fromInputUnsafe(flushTimeout))
  const queue = yield* Queue.dropping<Captured>(capacity)
  const missing = attempt(() => Sdk.missing(given))
  if (missing !== undefined) warn(missing)
  let dropped = 0

  const drop = (client: Client | undefined) => {
    dropped++
    client?.recordDroppedEvent("queue_overflow", "error")
  }
  const offer = (captured: Captured | undefined) => {
    if (captured !== undefined && !Queue.offerUnsafe(queue, captured)) drop(captured.client)
  }

  const report = (report: Report.Report, { at, fiber }: Observer.Told) => {
    if (LogLevel.isLessThan(report.severity, threshold)) return
    const sdk = Sdk.current(given)
    const capture = () => {
      const captured = sdk && attempt(() => eventOf(sdk, report, at, fiber.cache.span))
      if (captured === undefined) drop(sdk?.client)
      return captured
    }
    if (report.engine === "refused") storm.take(report.fingerprint, Number(at / 1_000_000n), capture).forEach(offer)
    else offer(capture())
  }

  const send = (events: ReadonlyArray<Captured>) =>
    Effect.suspend(() => {
      for (const event of events) if (attempt(() => (delivery.send(event), true)) === undefined) dropped++
      // A custom transport may ignore the limit that it is given.
      const settled = Effect.interruptible(delivery.settled(mostWait))
      return Effect.ignoreCause(Effect.timeoutOption(settled, flushTimeout))
    })

  // An interrupt must not lose events that were taken from the queue.
  const next = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(Queue.takeBetween(queue, 1, batch)), send)
  )
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      const events = [...(yield* Queue.clear(queue)), ...storm.rest()]
      for (let from = 0; from === 0 || from < events.length; from += batch)
        yield* send(events.slice(from, from + batch))
      delivery.close()
      const [refused, unheard] = [dropped + delivery.refused(), delivery.unheard()]
      if (refused + unheard > 0) yield* Effect.ignoreCause(Effect.sync(() => onLost(refused, unheard)))
    })
  )
  yield* Effect.forkScoped(Effect.forever(next))

  return Observer.layer({ report })
})

/** Returns undefined if the client throws: one event is lost, and the program goes on. */
const attempt = <A>(run: () => A): A | undefined => {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** Warns at the start, because the end of the program may be months away. */
const warn = (missing: string): void => {
  process.stderr.write(
    `Sentry.layer sends nothing yet: ${missing}. Call Sentry.init with a DSN before the layer is built, or give the layer a client.\n`
  )
}

const failures = (count: number): string => `${count} ${count === 1 ? "failure" : "failures"}`

const printLost = (refused: number, unheard: number): void => {
  if (refused > 0) process.stderr.write(`${failures(refused)} did not reach Sentry\n`)
  if (unheard > 0) process.stderr.write(`${failures(unheard)} may not have reached Sentry, which has not answered\n`)
}
