/**
 * Failures and retry events as log lines: for eyes on a terminal, as JSON elsewhere.
 *
 * One layer installs a logger, an `ErrorReporter` that writes one record for each failure, and an observer of the retry engine.
 * Records go through Effect's own loggers, so another logger beside this one gets them too. It never changes a program's exit.
 *
 * @since 0.1.0
 */
import process from "node:process"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import * as Check from "@redrive/core/Check"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Destination from "./Destination.ts"
import * as Format from "./Format.ts"
import * as Cap from "./internal/cap.ts"
import { emitAbout, isNew, logFailure, subjectOf } from "./internal/emit.ts"
import { ofEvent } from "./internal/event.ts"
import * as Handled from "./internal/handled.ts"
import { recordOf } from "./internal/record.ts"
import * as Writer from "./internal/writer.ts"

/**
 * Where records are written, how they look, and how many are written. Effect's `MinimumLogLevel` (`Info`) decides which levels are logged.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Takes the records instead of `stream`. Default: none. */
  readonly destination?: Destination.Destination | undefined
  /** The stream that lines are written to. Default: stderr. */
  readonly stream?: Destination.Stream | undefined
  /** The format of a line, a name or a function. Default: `auto`, which is `pretty` on a terminal and `json` elsewhere. */
  readonly format?: "auto" | "pretty" | "json" | Format.Format | undefined
  /**
   * Whether pretty lines have colors. Default: `true` with `FORCE_COLOR`, and on a terminal unless `NO_COLOR` is set or the terminal is
   * dumb.
   */
  readonly colors?: boolean | undefined
  /** The share of a level's records that is written, from 0 to 1; records of failures are always written. Default: 1. */
  readonly sample?: { readonly [Level in LogLevel.Severity]?: number } | undefined
  /**
   * Writes at most `most` failures of a class in each `window`, and reports how many more there were. Default: `Log.layer` writes one call
   * that the retry engine refused in each minute and class, and how many more there were; there is no cap for other failures.
   */
  readonly cap?: { readonly most: number; readonly window: Duration.Duration } | undefined
  /** The longest wait for a slow destination at the end. Default: 2 seconds. */
  readonly flushWithin?: Duration.Duration | undefined
  /** Called at the end with the number of records lost since the beginning, if any. Default: prints it to stderr. */
  readonly onLost?: ((count: number) => void) | undefined
}

/**
 * The rules that check the options, for adapters that pass options on.
 *
 * @category options
 * @since 0.1.0
 */
export const rules: Check.Rules<Options> = {
  destination: Check.having("write"),
  stream: Check.having("write"),
  format: Check.where(
    "auto, pretty, json, a function",
    (format) => typeof format === "function" || ["auto", "pretty", "json"].includes(String(format))
  ),
  colors: Check.boolean,
  sample: Check.struct<NonNullable<Options["sample"]>>({
    Fatal: Check.share,
    Error: Check.share,
    Warn: Check.share,
    Info: Check.share,
    Debug: Check.share,
    Trace: Check.share
  }),
  cap: Check.struct<NonNullable<Options["cap"]>>({
    most: Check.required(Check.int(0)),
    window: Check.required(Check.duration())
  }),
  flushWithin: Check.duration({ isEndless: true }),
  onLost: Check.callback
}

/** As Node.js itself decides it for a terminal. */
const hasColors = (isTTY: boolean, { FORCE_COLOR, NO_COLOR = "", TERM }: typeof process.env): boolean =>
  FORCE_COLOR === undefined ? isTTY && NO_COLOR === "" && TERM !== "dumb" : /^(?:|true|[1-3])$/.test(FORCE_COLOR)

const destinationOf = ({ colors, destination, format = "auto", stream = process.stderr }: Options) => {
  if (destination !== undefined) return destination
  const isTTY = stream.isTTY === true
  const terminal = {
    colors: colors ?? hasColors(isTTY, process.env),
    width: isTTY ? stream.columns : undefined
  }
  const isPretty = format === "pretty" || (format === "auto" && isTTY)
  const line = typeof format === "function" ? format : isPretty ? Format.terminal(terminal) : Format.json
  return Destination.stream(stream, line)
}

const writerOf = (
  destination: Destination.Destination,
  { cap, sample = {} }: Options,
  otherwise?: Cap.Rule
): Writer.Writer => {
  const rule = cap && { most: cap.most, window: Duration.toMillis(cap.window), capped: Cap.all }
  const made = rule ?? otherwise
  return Writer.make(destination, { sample, cap: made && Cap.make(made) })
}

const loggerOf = (writer: Writer.Writer): Logger.Logger<unknown, void> =>
  Logger.make((logged) => {
    try {
      if (writer.accepts(logged.logLevel)) writer.write(recordOf(logged), subjectOf(logged.message))
    } catch {
      // What cannot be read at all is no reason to fail.
    }
  })

/**
 * A logger that writes a line for each record: install it with Effect's `Logger.layer`. `Log.layer` does more: it says what a cap has
 * suppressed when nothing more comes, too, and waits at the end for a slow stream.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logger = (options: Options = {}): Logger.Logger<unknown, void> => {
  Check.options("Log.logger", rules, options)
  return loggerOf(writerOf(destinationOf(options), options))
}

/**
 * Writes each reported failure as one record, at the level of its severity, through the loggers of the fiber it happened on.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reporter = (): ErrorReporter.ErrorReporter => reporterOf(() => undefined)

const reporterOf = (reported: (failure: unknown) => Observer.GaveUp | undefined) =>
  Report.reporter((report, told) => {
    logFailure(Handled.ofCall(report, reported(told.failure), told.fiber), told)
  })

/**
 * Writes what the retry engine does: each failed attempt is one line at `Debug`, that says how long until the next one, or that there is
 * none (at `Trace` there is one as soon as it has failed, too); a recovery and a redrive at `Info`, what people should know of at `Warn`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const observer: Observer.Observer = (event, fiber) => {
  // Whoever tells several observers of an event tells them of the same object.
  if (!isNew(fiber, event)) return
  const { fields, level, message, subject } = ofEvent(event, { secrets: fiber.getRef(Report.Secrets) })
  emitAbout(subject, fiber, level, message, fields)
}

/** What was given up and was not reported for so long was handled, or its program is slow to tell. */
const patience = Duration.seconds(1)

/**
 * A logger in place of Effect's own, and a reporter and an observer beside those that are there.
 *
 * A failure that is reported is one record, at the level of its severity; so is one that leaves the layer's scope and that nobody reported. A
 * call that was given up and is neither reported within a second nor by the end is one record at `Warn`: the program went on. At the end
 * of its scope all lines are written that can be.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Layer.unwrap(make(Check.options("Log.layer", rules, options)))

const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Layer.Layer<never>, never, Scope.Scope> {
  const destination = destinationOf(options)
  const writer = writerOf(destination, options, Cap.storms)
  const handled = Handled.make()
  const work = Latch.makeUnsafe(false)
  yield* Effect.addFinalizer((exit) => end(destination, writer, handled, { ...options, exit }))
  yield* Effect.forkScoped(keepUp(writer, handled, work), { startImmediately: true })

  const inner = loggerOf(writer)
  const outer = Logger.make((logged) => {
    inner.log(logged)
    if (writer.owes()) work.openUnsafe()
  })
  const ears: Observer.Observer = (event, fiber) => {
    if (event._tag === "GaveUp") {
      const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
      handled.gaveUp(event, fiber.context, now)
      work.openUnsafe()
    } else if (event._tag === "FellBack") handled.settled(event.error)
    observer(event, fiber)
  }
  return Layer.mergeAll(
    Logger.layer([outer]),
    ErrorReporter.layer([Effect.sync(() => reporterOf(handled.settled))], {
      mergeWithExisting: true
    }),
    Observer.layer(ears)
  )
})

/** Says what has become known since, once a second while there is anything to know. */
const keepUp = (writer: Writer.Writer, handled: Handled.Handled, work: Latch.Latch): Effect.Effect<never> =>
  Effect.forever(
    Effect.gen(function* () {
      yield* Latch.await(work)
      yield* Effect.sleep(patience)
      const now = yield* Clock.currentTimeMillis
      yield* handled.warn(now - Duration.toMillis(patience))
      writer.summarize(now)
      if (!handled.isWaiting() && !writer.owes()) work.closeUnsafe()
    })
  )

const end = (
  { flush = Effect.void }: Destination.Destination,
  writer: Writer.Writer,
  handled: Handled.Handled,
  { exit, flushWithin = Duration.seconds(2), onLost = say }: Options & { readonly exit: Exit.Exit<unknown, unknown> }
): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (Exit.isFailure(exit)) yield* handled.left(exit.cause)
    yield* handled.warn(Infinity)
    writer.summarize(Infinity)
    // A flush that dies must not take the end of the program with it.
    yield* Effect.ignoreCause(Effect.timeoutOption(flush, flushWithin))
    const lost = writer.lost()
    if (lost > 0) yield* Effect.ignoreCause(Effect.sync(() => onLost(lost)))
  })

const say = (lost: number): void => {
  process.stderr.write(`${lost} log ${lost === 1 ? "line" : "lines"} could not be written\n`)
}
