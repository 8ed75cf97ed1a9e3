/**
 * Turns reports of failures into alerts: those that matter, grouped, each kind once in a while.
 *
 * It listens beside other adapters, holds a bounded number of groups in memory, and sends them from a fiber of its
 * own. A sink that fails or hangs never reaches the program; what it could not deliver is sent with the next try.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Observer from "@redrive/core/Observer"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import process from "node:process"
import * as Groups from "./internal/groups.ts"
import { Sink } from "./Sink.ts"

/**
 * Which failures raise an alert, and when.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Failures below this severity raise no alert. Default: `Error`. */
  readonly threshold?: LogLevel.Severity | undefined
  /** The wait from a group's first report to its alert, and from a failed delivery to the next. Default: 30 seconds. */
  readonly groupWait?: Duration.Input | undefined
  /** The wait before the same kind of failure raises another alert. Default: 4 hours. */
  readonly repeatInterval?: Duration.Input | undefined
  /** How many groups are kept; further reports share one group. Default: 1000. */
  readonly maxKeys?: number | undefined
  /** The longest time for the last delivery, when the scope closes. Default: 5 seconds. */
  readonly flushTimeout?: Duration.Input | undefined
  /** Called when the scope closes with the number of failures that no alert reported, if any. Default: prints it to stderr. */
  readonly onLost?: ((count: number) => void) | undefined
}

const rules: Check.Rules<Options> = {
  threshold: Check.severity,
  groupWait: Check.duration(),
  repeatInterval: Check.duration({ isEndless: true }),
  maxKeys: Check.int(1),
  flushTimeout: Check.duration({ isEndless: true }),
  onLost: Check.callback
}

/**
 * Alerts for every failure reported below this layer. What is pending when its scope closes is sent at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never, never, Sink> =>
  Layer.unwrap(Effect.map(start(Check.options("Alerter.layer", rules, options)), Observer.layer))

const start = Effect.fnUntraced(function* (options: Options) {
  const { flushTimeout = "5 seconds", maxKeys = 1000, onLost = say, threshold = "Error" } = options
  const sink = yield* Sink
  const clock = yield* Clock.Clock
  const groups = Groups.make({
    groupWait: Duration.toMillis(Duration.fromInputUnsafe(options.groupWait ?? "30 seconds")),
    repeatInterval: Duration.toMillis(Duration.fromInputUnsafe(options.repeatInterval ?? "4 hours")),
    maxKeys
  })
  const news = yield* Latch.make()

  /** Sends what is due at a time; what is not delivered, for whatever reason, is kept. */
  const deliver = Effect.fnUntraced(function* (until: number) {
    const alerts = groups.take(until)
    if (!Arr.isReadonlyArrayNonEmpty(alerts)) return
    yield* Effect.suspend(() => sink.send(alerts)).pipe(
      Effect.onError(() => Effect.sync(() => groups.restore(alerts, clock.currentTimeMillisUnsafe())))
    )
  })

  const round = Effect.suspend(() => {
    const wait = groups.nextDue() - clock.currentTimeMillisUnsafe()
    if (wait > 0) return Effect.race(news.await, Number.isFinite(wait) ? Effect.sleep(wait) : Effect.never)
    return Effect.catchCause(deliver(clock.currentTimeMillisUnsafe()), (cause) =>
      Effect.logWarning("alerts were not delivered, and will be sent again", cause)
    )
  })

  const flush = deliver(Infinity).pipe(
    Effect.interruptible,
    Effect.timeout(flushTimeout),
    Effect.catchCause((cause) => Effect.logWarning("alerts were not delivered before the end", cause))
  )
  const sayLost = Effect.sync(() => {
    // What could not be delivered was brought back.
    const lost = groups.take(Infinity).reduce((sum, { count }) => sum + count, 0)
    if (lost > 0) onLost(lost)
  })
  // Finalizers run last first: the fiber has stopped when the rest is flushed.
  yield* Effect.addFinalizer(() => Effect.andThen(flush, Effect.ignoreCause(sayLost)))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(news.close, round)))

  const report: Observer.Observer["report"] = (report) => {
    if (LogLevel.isLessThan(report.severity, threshold)) return
    groups.add(report, clock.currentTimeMillisUnsafe())
    news.openUnsafe()
  }
  return { report }
})

const say = (count: number): void => {
  process.stderr.write(`nobody was told of ${count} ${count === 1 ? "failure" : "failures"}: no alert was delivered\n`)
}
