/**
 * Failures and retry events as log lines: for eyes on a terminal, as JSON elsewhere.
 *
 * One layer takes the program's log, writes one record for each failure, and says what the retry engine does. Its records go through the
 * loggers of the fiber, so another logger beside this one gets them too. It never changes a program's exit.
 *
 * @since 0.1.0
 */
import process from "node:process"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
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
import * as Caps from "./internal/cap.ts"
import { emitAbout, isNewEvent, logFailure, subjectOf } from "./internal/emit.ts"
import { ofEvent } from "./internal/event.ts"
import * as GivenUp from "./internal/givenUp.ts"
import { recordOf } from "./internal/record.ts"
import * as Writer from "./internal/writer.ts"

/**
 * How many failures of a class are written.
 *
 * @category options
 * @since 0.1.0
 */
export interface Cap {
  /** The most records of a class in a window; 0 writes only how many there were. No default. */
  readonly most: number
  /** The length of a window. No default. */
  readonly window: Duration.Input
}

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
  readonly cap?: Cap | undefined
  /** The longest wait for a slow destination at the end. Default: 2 seconds. */
  readonly flushTimeout?: Duration.Input | undefined
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
  flushTimeout: Check.duration({ isEndless: true }),
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
  otherwise?: Caps.Rule
): Writer.Writer => {
  const rule = cap && {
    most: cap.most,
    window: Duration.toMillis(Duration.fromInputUnsafe(cap.window)),
    capped: Caps.all
  }
  const made = rule ?? otherwise
  return Writer.make(destination, { sample, cap: made && Caps.make(made) })
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
 * Writes failures and events through the loggers of the fiber that they happened on, whichever these are. `Log.layer` has it, and a logger.
 *
 * Each reported failure is one record, at the level of its severity. Each failed attempt is one line at `Debug`, which says how long until
 * the next one, or that none follows; at `Trace` there is another as soon as it has failed. A recovery and a redrive are lines at `Info`,
 * and what people should know of at `Warn`.
 *
 * @category instances
 * @since 0.1.0
 */
export const observer = {
  event: (event, fiber) => {
    if (!isNewEvent(fiber, event)) return
    const { fields, level, message, subject } = ofEvent(event, { secrets: Report.secretsOf(fiber.context) })
    emitAbout(subject, fiber, level, message, fields)
  },
  report: logFailure
} as const satisfies Observer.Observer

/** What was given up and was not reported for so long was handled, or its program is slow to tell. */
const patience = Duration.seconds(1)

/**
 * Writes the log in place of Effect's default loggers, and failures and events beside any other adapter.
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
  const writer = writerOf(destination, options, Caps.storms)
  const givenUp = GivenUp.make()
  const work = Latch.makeUnsafe(false)
  yield* Effect.addFinalizer((exit) => end(destination, writer, givenUp, { ...options, exit }))
  yield* Effect.forkScoped(keepUp(writer, givenUp, work), { startImmediately: true })

  const logger = loggerOf(writer)
  return Observer.layer({
    log: (record) => {
      logger.log(record)
      if (writer.owes()) work.openUnsafe()
    },
    report: (report, told) => {
      givenUp.settled(told.failure)
      observer.report(report, told)
    },
    event: (event, fiber) => {
      if (event._tag === "GaveUp") {
        givenUp.gaveUp(event, fiber.context, fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
        work.openUnsafe()
      } else if (event._tag === "FellBack") givenUp.settled(event.error)
      observer.event(event, fiber)
    }
  })
})

/** Says what has become known since, once a second while there is anything to know. */
const keepUp = (writer: Writer.Writer, givenUp: GivenUp.GivenUp, work: Latch.Latch): Effect.Effect<never> =>
  Effect.forever(
    Effect.gen(function* () {
      yield* Latch.await(work)
      yield* Effect.sleep(patience)
      const now = yield* Clock.currentTimeMillis
      yield* givenUp.warn(now - Duration.toMillis(patience))
      writer.summarize(now)
      if (!givenUp.isWaiting() && !writer.owes()) work.closeUnsafe()
    })
  )

const end = (
  { flush = Effect.void }: Destination.Destination,
  writer: Writer.Writer,
  givenUp: GivenUp.GivenUp,
  { exit, flushTimeout = "2 seconds", onLost = say }: Options & { readonly exit: Exit.Exit<unknown, unknown> }
): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (Exit.isFailure(exit)) yield* givenUp.left(exit.cause)
    yield* givenUp.warn(Infinity)
    writer.summarize(Infinity)
    // A flush that dies must not take the end of the program with it.
    yield* Effect.ignoreCause(Effect.timeoutOption(flush, flushTimeout))
    const lost = writer.lost()
    if (lost > 0) yield* Effect.ignoreCause(Effect.sync(() => onLost(lost)))
  })

const say = (lost: number): void => {
  process.stderr.write(`${lost} log ${lost === 1 ? "line" : "lines"} could not be written\n`)
}
