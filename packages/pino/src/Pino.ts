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
import * as Check from "@redrive/core/Check"
import type * as Report from "@redrive/core/Report"
import type * as Destination from "@redrive/log/Destination"
import type * as Format from "@redrive/log/Format"
import * as Log from "@redrive/log/Log"
import * as pino from "pino"
import process from "node:process"
import * as Names from "./internal/names.ts"
import * as Outlet from "./internal/outlet.ts"

/**
 * How many records are written: a part of `Log.Options`.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends Pick<Log.Options, "cap" | "flushWithin" | "sample"> {
  /** Called at the end with the number of lines that pino's stream refused or may not have written. Default: prints it to stderr. */
  readonly onLost?: ((count: number) => void) | undefined
}

/**
 * A pino as the destination of a log: annotations of a fiber are the bindings of a child, which is made once; a failure is pino's `err`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const destination = (logger: pino.BaseLogger & Instance): Destination.Destination => {
  const outlet = Outlet.of(streamOf(logger), (done) => logger.flush(done))
  const ofLine = Names.ofLine(logger)
  const children = new WeakMap<Format.Record["annotations"], Child>()
  const childOf = (annotations: Format.Record["annotations"]): Child => {
    const known = children.get(annotations)
    if (known !== undefined) return known
    const made = makeChild(logger, ofLine, annotations)
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
export const logger = (to: pino.Logger, options: Options = {}): Logger.Logger<unknown, void> =>
  Log.logger({ onLost: say, ...checked("Pino.logger", to, options), destination: destination(to) })

/**
 * A pino in place of Effect's own logger, and a reporter and an observer beside those that are there, as `Log.layer` has them. When its
 * scope closes the pino is flushed.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (to: pino.Logger, options: Options = {}): Layer.Layer<never> => {
  checked("Pino.layer", to, options)
  // Each layer built from this counts its own losses.
  return Layer.suspend(() => Log.layer({ onLost: say, ...options, destination: destination(to) }))
}

const checked = (name: string, to: pino.Logger, options: Options): Options => {
  const { cap, flushWithin, onLost, sample } = Log.rules
  Check.options(name, { logger: Check.required(Check.having("isLevelEnabled")) }, { logger: to })
  return Check.options(name, { cap, flushWithin, onLost, sample }, options)
}

const say = (count: number): void => {
  process.stderr.write(
    `${count} log ${count === 1 ? "line was" : "lines were"} refused by pino's stream, or not seen to be written\n`
  )
}

/** What is used of a pino, whatever levels of its own it has besides. */
type Instance = Pick<pino.Logger, "child" | "flush" | "isLevelEnabled" | (typeof levels)[LogLevel.LogLevel]>

const levels = {
  All: "trace",
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
  None: "fatal"
} as const satisfies { readonly [Level in LogLevel.LogLevel]: pino.Level }

/** Where a pino writes to: a stream, a file or a worker. */
const streamOf = (logger: object): object => {
  const stream: unknown = Reflect.get(logger, pino.symbols.streamSym)
  return typeof stream === "object" && stream !== null ? stream : {}
}

/** A logger for the records under the same annotations, and the names that their lines have already. */
interface Child {
  readonly logger: Instance
  readonly taken: ReadonlySet<string>
  readonly said: Names.Fields
}

const makeChild = (logger: Instance, ofLine: ReadonlySet<string>, annotations: Format.Record["annotations"]): Child => {
  const said = Names.free(annotations, ofAnnotations(ofLine))
  const names = Object.keys(said)
  if (names.length === 0) return { logger, taken: ofLine, said }
  return { logger: logger.child(said), taken: new Set([...ofLine, ...names]), said }
}

/** An annotation must not take the place of a failure either. */
const ofAnnotations = (ofLine: ReadonlySet<string>): ReadonlySet<string> => new Set([...ofLine, "err"])

const writeTo = ({ logger, said, taken }: Child, record: Format.Record): void => {
  logger[levels[record.level]](Names.free(bindingsOf(record), taken, said), record.message)
}

const bindingsOf = ({ fields, reports, trace }: Format.Record): Names.Fields => {
  const [report, ...also] = reports
  if (report === undefined && trace === undefined) return fields
  const own = {
    ...(trace && { trace_id: trace.traceId, span_id: trace.spanId }),
    ...(report && failureOf(report)),
    ...(also.length > 0 && { also: also.map(({ code, message }) => ({ code, message })) })
  }
  return { ...Names.free(fields, new Set(Object.keys(own)), own), ...own }
}

/** A failure as pino and its tools know one: an `err` with type, message and stack, and its own facts in it. */
const failureOf = (report: Report.Report): Names.Fields => {
  const { actor, attributes, causes, code, detail, fingerprint, host, itemId, jobId, level, message, stack, url } =
    report
  const facts = { name: code, message, stack, detail, actor, ...attributes, level, fingerprint }
  const more = causes.length === 0 ? {} : { causes }
  return {
    // Pino's own serializer takes the name of what has no constructor as the error's type.
    err: Object.assign(Object.create(null), facts, more),
    ...(jobId !== undefined && { job: jobId }),
    ...(itemId !== undefined && { item: itemId }),
    ...(url !== undefined && { url }),
    ...(host !== undefined && { host })
  }
}
