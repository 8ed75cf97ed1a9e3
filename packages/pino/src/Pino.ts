/**
 * Effect's logs, failure reports and retry events through your own pino.
 *
 * Its streams, transports, redaction and serializers stay as they are. The records that it gets are already bounded and without secrets.
 * Whatever its stream does, the program's exit stays the same.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import type * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as Check from "@redrive/core/Check"
import type * as Destination from "@redrive/log/Destination"
import * as Format from "@redrive/log/Format"
import * as Log from "@redrive/log/Log"
import process from "node:process"
import * as Failed from "./internal/failed.ts"
import * as Inside from "./internal/inside.ts"
import * as Names from "./internal/names.ts"
import * as Outlet from "./internal/outlet.ts"

/**
 * The methods of a pino that the adapter uses. Every logger of pino 9 and 10 has them, unless it has `useOnlyCustomLevels`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Instance {
  /** Makes a logger whose lines all have these bindings: the annotations of a fiber. */
  child(bindings: object): Instance
  /** Calls back when the lines in its buffer are written. */
  flush(done: (error?: unknown) => void): void
  /** Whether it writes lines of a level. */
  isLevelEnabled(level: string): boolean
  /** Writes a line for `Trace`. */
  trace(fields: object, message: string): void
  /** Writes a line for `Debug`. */
  debug(fields: object, message: string): void
  /** Writes a line for `Info`. */
  info(fields: object, message: string): void
  /** Writes a line for `Warn`. */
  warn(fields: object, message: string): void
  /** Writes a line for `Error`. */
  error(fields: object, message: string): void
  /** Writes a line for `Fatal`. */
  fatal(fields: object, message: string): void
}

/**
 * How many records are written, and how long to wait for them. `cap`, `flushTimeout` and `sample` are those of `Log.Options`.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends Pick<Log.Options, "cap" | "flushTimeout" | "sample"> {
  /**
   * Called when the scope closes with the number of lines that pino's stream refused or may not have written, if any; `Pino.logger` ignores
   * it. Default: prints it to stderr.
   */
  readonly onLost?: ((count: number) => void) | undefined
}

/**
 * A pino as the destination of a log, for `Log.layer({ destination })`.
 *
 * The annotations of a fiber are the bindings of one child logger. A failure is an error under pino's `errorKey`, made from the report, with its
 * facts as fields. With the Elastic Common Schema (`@elastic/ecs-pino-format`) the facts are the fields of `Format.ecsFields`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const destination = (logger: Instance): Destination.Destination => {
  const outlet = Outlet.of(streamOf(logger), (done) => logger.flush(done))
  const line = Names.lineOf(logger)
  const children = new WeakMap<Format.Record["annotations"], Child>()
  const childOf = (annotations: Format.Record["annotations"]): Child => {
    const known = children.get(annotations)
    if (known !== undefined) return known
    const made = makeChild(logger, line, annotations)
    children.set(annotations, made)
    return made
  }
  return {
    accepts: (level) => {
      try {
        return logger.isLevelEnabled(levels[level])
      } catch {
        // Writing the line then throws too, which counts it as lost.
        return true
      }
    },
    write: (record) => outlet.write(() => writeTo(childOf(record.annotations), record)),
    flush: outlet.flush,
    lost: () => outlet.refused() + outlet.waiting()
  }
}

/**
 * An Effect logger that writes to a pino, for Effect's `Logger.layer`. Throws if an option or the pino is wrong.
 *
 * `Pino.layer` does more: it also hears failures and events, and flushes the pino at the end.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logger = (to: Instance, options: Options = {}): Logger.Logger<unknown, void> =>
  Log.logger({ onLost: printLost, ...checked("Pino.logger", to, options), destination: destination(to) })

/**
 * Writes the log to a pino in place of Effect's default loggers, and hears failures and events together with any other adapter.
 *
 * Records follow the rules of `Log.layer`. When the scope closes, the pino is flushed. Throws if an option or the pino is wrong.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (to: Instance, options: Options = {}): Layer.Layer<never> => {
  checked("Pino.layer", to, options)
  // Each layer built from this counts its own losses.
  return Layer.suspend(() => Log.layer({ onLost: printLost, ...options, destination: destination(to) }))
}

const checked = (name: string, to: Instance, options: Options): Options => {
  const { cap, flushTimeout, onLost, sample } = Log.rules
  Check.options(name, { logger: Check.required(isPino) }, { logger: to })
  return Check.options(name, { cap, flushTimeout, onLost, sample }, options)
}

/** With `useOnlyCustomLevels`, a pino has no methods for Effect's levels. */
const isPino = Check.where(
  "a pino with the levels trace, debug, info, warn, error and fatal",
  (logger) =>
    Predicate.isObject(logger) &&
    [...Object.values(levels), "isLevelEnabled"].every((method) => Predicate.isFunction(Reflect.get(logger, method)))
)

const printLost = (count: number): void => {
  process.stderr.write(
    `${count} log ${count === 1 ? "line was" : "lines were"} refused by pino's stream, or not seen to be written\n`
  )
}

const levels = {
  All: "trace",
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
  None: "fatal"
} as const satisfies { readonly [Level in LogLevel.LogLevel]: keyof Instance }

/** The stream that a pino writes to, which may be a file's or a worker's. */
const streamOf = (logger: object): object => {
  const stream = Inside.read(logger, "stream")
  return typeof stream === "object" && stream !== null ? stream : {}
}

/** A logger for the records with the same annotations, and the fields that their lines already have. */
interface Child {
  readonly logger: Instance
  readonly line: Names.Line
  readonly said: Names.Fields
  readonly isTaken: Names.IsTaken
}

const makeChild = (logger: Instance, line: Names.Line, annotations: Format.Record["annotations"]): Child => {
  const bindings = Names.free(annotations, Names.takenIn(line, line.ofBindings))
  const names = Object.keys(bindings)
  const said = line.isNested ? {} : bindings
  return {
    logger: names.length === 0 ? logger : logger.child(bindings),
    line,
    said,
    isTaken: Names.takenIn(line, new Set([...line.names, ...Object.keys(said)]))
  }
}

const writeTo = ({ isTaken, line, logger, said }: Child, record: Format.Record): void => {
  const bindings = Names.withoutRequest(bindingsOf(record, line))
  logger[levels[record.level]](Names.free(bindings, isTaken, said), record.message)
}

const bindingsOf = (record: Format.Record, line: Names.Line): Names.Fields => {
  const { fields, reports, trace } = record
  if (reports.length === 0 && trace === undefined) return fields
  const own = line.isEcs ? ecsOf(record, line) : plainOf(record, line)
  // With a failure, Elastic's format writes an object `error`, so a field such as `error.code` would set the same field twice.
  const isOwn = (name: string) =>
    Object.hasOwn(own, name) || (line.isEcs && reports.length > 0 && name.startsWith("error.") && !name.endsWith("_"))
  return { ...Names.free(fields, isOwn, own), ...own }
}

/** The failure as an error, as pino and its tools expect, and the trace under the names of OpenTelemetry's instrumentation of pino. */
const plainOf = ({ reports, trace }: Format.Record, { errorKey }: Names.Line): Names.Fields => {
  const [report, ...also] = reports
  return {
    ...(trace && { trace_id: trace.traceId, span_id: trace.spanId, trace_flags: trace.sampled ? "01" : "00" }),
    ...(report && { [errorKey]: Failed.errorOf(report, report.code) }),
    ...(also.length > 0 && { also: also.map(({ code, message }) => ({ code, message })) })
  }
}

/** Elastic's format takes only type, message and stack of an error, so the other facts go into the schema's fields. */
const ecsOf = (record: Format.Record, { errorKey }: Names.Line): Names.Fields => {
  const [report] = record.reports
  const { "error.type": type, ...fields } = Format.ecsFields(record)
  const name = typeof type === "string" ? type : ""
  return { ...fields, ...(report && { [errorKey]: Failed.errorOf(report, name) }) }
}
