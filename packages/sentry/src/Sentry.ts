/**
 * Failure reports as Sentry events, each once, with the retries that led to it.
 *
 * An event is made from the report, which is bounded and without secrets; the error itself is never handed to Sentry. Events are sent by
 * a fiber of its own, in batches that Sentry's buffer can hold, and what cannot be sent is counted. The program's exit stays the same.
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
 * The part of a Sentry client that is used. The client of any SDK made on Sentry 10 or 11 has it, such as `Sentry.getClient()` of `@sentry/node`.
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
  /** The client that sends the events. Default: the client of the SDK that the program has initialised, of any version. */
  readonly client?: Client | undefined
  /** Failures below this severity are not sent. Default: `Error`. */
  readonly threshold?: LogLevel.Severity | undefined
  /** How many events may wait to be sent; further ones are counted instead of sent. Default: 1000. */
  readonly capacity?: number | undefined
  /** The longest wait for a batch, and for the last one at the end. Default: 2 seconds. */
  readonly flushTimeout?: Duration.Input | undefined
  /** Called at the end with how many failures Sentry refused, and how many it did not answer, if any. Default: prints it to stderr. */
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
 * Sends every failure that is reported below this layer. When its scope closes, what waits is sent, and it is said on stderr if something may
 * not have arrived. If there is no client when the layer is built, or one without a DSN, that is said on stderr at once; a client that is made later
 * is used from then on.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Layer.unwrap(make(Check.options("Sentry.layer", rules, options)))

/** Sentry's transport refuses what is beyond 64 under way. */
const batch = 32

const make = Effect.fnUntraced(function* ({
  capacity = 1000,
  client: given,
  flushTimeout = "2 seconds",
  onLost = say,
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
      // A client promises to come back within the limit; a transport of somebody's own may not.
      const settled = Effect.interruptible(delivery.settled(mostWait))
      return Effect.ignoreCause(Effect.timeoutOption(settled, flushTimeout))
    })

  // What was taken is sent, whoever interrupts.
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

/** What a client makes throw costs one event. */
const attempt = <A>(run: () => A): A | undefined => {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** Speaks at the start, since the end of the program may be months away. */
const warn = (missing: string): void => {
  process.stderr.write(
    `Sentry.layer sends nothing yet: ${missing}. Call Sentry.init with a DSN before the layer is built, or give the layer a client.\n`
  )
}

const failures = (count: number): string => `${count} ${count === 1 ? "failure" : "failures"}`

const say = (refused: number, unheard: number): void => {
  if (refused > 0) process.stderr.write(`${failures(refused)} did not reach Sentry\n`)
  if (unheard > 0) process.stderr.write(`${failures(unheard)} may not have reached Sentry, which has not answered\n`)
}
