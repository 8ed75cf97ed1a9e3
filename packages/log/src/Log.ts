/**
 * Failures and retry events as log lines: readable on a terminal, JSON elsewhere.
 *
 * One layer writes the program's log, one record for each failure, and the events of the retry engine. Records of failures and events go
 * through the loggers of the fiber, so other loggers get them too. The layer never changes a program's exit.
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
import { emitAbout, isLogged, isNewEvent, logFailure, subjectOf } from "./internal/emit.ts"
import { levels, ofEvent } from "./internal/event.ts"
import * as GivenUp from "./internal/givenUp.ts"
import { recordOf } from "./internal/record.ts"
import * as Writer from "./internal/writer.ts"

/**
 * A limit on the records of each class of failures; failures with the same fingerprint are one class.
 *
 * @category options
 * @since 0.1.0
 */
export interface Cap {
  /** The most records of a class in a window, a whole number; 0 writes only the count. No default. */
  readonly most: number
  /** The length of a window. No default. */
  readonly window: Duration.Input
}

/**
 * Where records are written, in which format, and how many. Effect's `References.MinimumLogLevel` (`Info`) decides which levels are logged.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Takes the records instead of `stream`. Default: none. */
  readonly destination?: Destination.Destination | undefined
  /** The stream that lines are written to. Ignored with a `destination`. Default: stderr. */
  readonly stream?: Destination.Stream | undefined
  /** The format of a line, a name or a function. Ignored with a `destination`. Default: `auto`: `pretty` on a terminal, else `json`. */
  readonly format?: "auto" | "pretty" | "json" | Format.Format | undefined
  /**
   * Whether pretty lines have colors; other formats ignore it. Default: what `FORCE_COLOR` says, else `true` on a terminal, unless `NO_COLOR`
   * is set or `TERM` is `dumb`.
   */
  readonly colors?: boolean | undefined
  /** The share of each level's records that is written, from 0 to 1. Records of failures ignore it. Default: 1 for every level. */
  readonly sample?: { readonly [Level in LogLevel.Severity]?: number } | undefined
  /**
   * Limits the records of each class of failures, and writes the number of the others when the window ends. Default: `Log.layer` writes one
   * refused call a minute for each class, with the number of the others, and every other failure; `Log.logger` has no limit.
   */
  readonly cap?: Cap | undefined
  /** The longest wait for a slow destination when the scope closes; `Log.logger` ignores it. Default: 2 seconds. */
  readonly flushTimeout?: Duration.Input | undefined
  /** Called when the scope closes with the number of lost records, if any; `Log.logger` ignores it. Default: prints it to stderr. */
  readonly onLost?: ((count: number) => void) | undefined
}

/**
 * The rules that check `Options`, for adapters that take the same options.
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

/** Decides as Node.js does for a terminal. */
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
      // A record that cannot be read must not fail the program.
    }
  })

/**
 * A logger that writes a line for each record, for Effect's `Logger.layer`. Throws if an option is wrong.
 *
 * `Log.layer` does more: it also hears failures and events, writes the last count of a cap, and waits for a slow stream at the end.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logger = (options: Options = {}): Logger.Logger<unknown, void> => {
  Check.options("Log.logger", rules, options)
  return loggerOf(writerOf(destinationOf(options), options))
}

/**
 * Logs failures and events through the loggers of the fiber that they happened on. `Log.layer` is this observer and a logger.
 *
 * Each reported failure is one record, at the level of its severity. Each failed attempt is one line at `Debug`, with the wait before the next
 * attempt, if one follows; with `Trace`, another line is written as soon as the attempt fails. A recovery, a redrive, a breaker that closes and
 * a gate that opens are lines at `Info`; a fallback, a breaker that opens and a gate that shuts are lines at `Warn`.
 *
 * @category instances
 * @since 0.1.0
 */
export const observer = {
  event: (event, fiber) => {
    const level = levels[event._tag]
    if (!isLogged(fiber, level) || !isNewEvent(fiber, event)) return
    const { fields, message, subject } = ofEvent(event, { secrets: Report.secretsOf(fiber.context) })
    emitAbout(subject, fiber, level, message, fields)
  },
  report: logFailure
} as const satisfies Observer.Observer

/** A call that was given up counts as handled if nobody reports it within this time. */
const patience = Duration.seconds(1)

/**
 * Writes the log in place of Effect's default loggers, and failures and events next to any other adapter.
 *
 * A reported failure is one record, at the level of its severity; so is an unreported one that leaves the layer's scope. A call that was given
 * up, and is not reported within a second, is one record at `Warn`: the program went on. When the scope closes, the layer waits until all lines
 * are written, for `flushTimeout` at most. Throws if an option is wrong.
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

/** Writes the warnings and counts that are due, once a second while any are pending. */
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
  { exit, flushTimeout = "2 seconds", onLost = printLost }: Options & { readonly exit: Exit.Exit<unknown, unknown> }
): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (Exit.isFailure(exit)) yield* givenUp.left(exit.cause)
    yield* givenUp.warn(Infinity)
    writer.summarize(Infinity)
    // A flush that dies must not change the program's exit.
    yield* Effect.ignoreCause(Effect.timeoutOption(flush, flushTimeout))
    const lost = writer.lost()
    if (lost > 0) yield* Effect.ignoreCause(Effect.sync(() => onLost(lost)))
  })

const printLost = (lost: number): void => {
  process.stderr.write(`${lost} log ${lost === 1 ? "line" : "lines"} could not be written\n`)
}
