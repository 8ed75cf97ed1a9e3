/**
 * Effect's logs, failure reports and retry events through a pino of your own.
 *
 * Its streams, transports, redaction and serializers stay what they are: this hands it records that are bounded and without secrets
 * already. Whatever its stream does, the program's exit stays the same.
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
 * The part of a pino that is used. Every logger of pino 9 and 10 has it, whatever levels of its own it has besides.
 *
 * @category models
 * @since 0.1.0
 */
export interface Instance {
  child(bindings: object): Instance
  flush(done: (error?: unknown) => void): void
  isLevelEnabled(level: string): boolean
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  fatal(fields: object, message: string): void
}

/**
 * How many records are written: a part of `Log.Options`.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends Pick<Log.Options, "cap" | "flushTimeout" | "sample"> {
  /** Called at the end with the number of lines that pino's stream refused or may not have written. Default: prints it to stderr. */
  readonly onLost?: ((count: number) => void) | undefined
}

/**
 * A pino as the destination of a log: annotations of a fiber are the bindings of a child, which is made once. A failure is an error to
 * pino, under its `errorKey`: made from the report, with its facts as fields. In a line of the Elastic Common Schema (`@elastic/ecs-pino-format`)
 * these are fields of the schema, as `Format.ecsFields` has them.
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
        // The line that it throws for is tried, and counts when it throws as well.
        return true
      }
    },
    write: (record) => outlet.write(() => writeTo(childOf(record.annotations), record)),
    flush: outlet.flush,
    lost: () => outlet.refused() + outlet.waiting()
  }
}

/**
 * An Effect logger that writes to a pino: install it with Effect's `Logger.layer`. `Pino.layer` does more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logger = (to: Instance, options: Options = {}): Logger.Logger<unknown, void> =>
  Log.logger({ onLost: say, ...checked("Pino.logger", to, options), destination: destination(to) })

/**
 * A pino in place of Effect's own logger, and a reporter and an observer beside those that are there, as `Log.layer` has them. When its
 * scope closes the pino is flushed.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (to: Instance, options: Options = {}): Layer.Layer<never> => {
  checked("Pino.layer", to, options)
  // Each layer built from this counts its own losses.
  return Layer.suspend(() => Log.layer({ onLost: say, ...options, destination: destination(to) }))
}

const checked = (name: string, to: Instance, options: Options): Options => {
  const { cap, flushTimeout, onLost, sample } = Log.rules
  Check.options(name, { logger: Check.required(isPino) }, { logger: to })
  return Check.options(name, { cap, flushTimeout, onLost, sample }, options)
}

/** With `useOnlyCustomLevels` a pino has none of the methods that records are written by. */
const isPino = Check.where(
  "a pino with the levels trace, debug, info, warn, error and fatal",
  (logger) =>
    Predicate.isObject(logger) &&
    [...Object.values(levels), "isLevelEnabled"].every((method) => Predicate.isFunction(Reflect.get(logger, method)))
)

const say = (count: number): void => {
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

/** Where a pino writes to: a stream, a file or a worker. */
const streamOf = (logger: object): object => {
  const stream = Inside.read(logger, "stream")
  return typeof stream === "object" && stream !== null ? stream : {}
}

/** A logger for the records under the same annotations, and what their lines have already. */
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
  // With a failure Elastic's format writes an object `error`, beside which a name with a dot would be a second value at one place.
  const isOwn = (name: string) =>
    Object.hasOwn(own, name) || (line.isEcs && reports.length > 0 && name.startsWith("error.") && !name.endsWith("_"))
  return { ...Names.free(fields, isOwn, own), ...own }
}

/** A failure as pino and its tools know one, an error, and the trace in the names that OpenTelemetry's own instrumentation of pino uses. */
const plainOf = ({ reports, trace }: Format.Record, { errorKey }: Names.Line): Names.Fields => {
  const [report, ...also] = reports
  return {
    ...(trace && { trace_id: trace.traceId, span_id: trace.spanId, trace_flags: trace.sampled ? "01" : "00" }),
    ...(report && { [errorKey]: Failed.errorOf(report, report.code) }),
    ...(also.length > 0 && { also: also.map(({ code, message }) => ({ code, message })) })
  }
}

/** The same where a format takes type, message and stack of an error, and nothing else: the rest is in the schema's fields for it. */
const ecsOf = (record: Format.Record, { errorKey }: Names.Line): Names.Fields => {
  const [report] = record.reports
  const { "error.type": type, ...fields } = Format.ecsFields(record)
  const name = typeof type === "string" ? type : ""
  return { ...fields, ...(report && { [errorKey]: Failed.errorOf(report, name) }) }
}
