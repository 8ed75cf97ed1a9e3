/**
 * Effect's logs, failure reports and retry events through a pino of your own.
 *
 * Its streams, transports, redaction and serializers stay what they are: this hands it records that are bounded and without secrets
 * already. Whatever its stream does, the program's exit stays the same.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import type * as Report from "@redrive/core/Report"
import type * as Destination from "@redrive/log/Destination"
import type * as Format from "@redrive/log/Format"
import * as Log from "@redrive/log/Log"
import * as pino from "pino"

/**
 * `sample`, `cap`, `flushWithin` and `onLost` as `Log.Options` has them.
 *
 * @category options
 * @since 0.1.0
 */
export type Options = Pick<Log.Options, "cap" | "flushWithin" | "onLost" | "sample">

/**
 * A pino as the destination of a log: annotations of a fiber are the bindings of a child, which is made once; a failure is pino's `err`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const destination = (logger: pino.BaseLogger & Instance): Destination.Destination => {
  let failed = 0
  const stream = streamOf(logger)
  const isFull = fullness(stream)
  listen(stream, () => failed++)
  const children = new WeakMap<Format.Record["annotations"], Instance>()
  const childOf = (annotations: Format.Record["annotations"]): Instance => {
    const known = children.get(annotations)
    if (known !== undefined) return known
    const child = Object.keys(annotations).length === 0 ? logger : logger.child(annotations)
    children.set(annotations, child)
    return child
  }
  return {
    accepts: (level) => logger.isLevelEnabled(levels[level]),
    write: (record) => {
      if (isFull()) failed++
      else writeTo(childOf(record.annotations), record)
    },
    flush: Effect.callback((resume) => logger.flush(() => resume(Effect.void))),
    lost: () => failed
  }
}

/**
 * An Effect logger that writes to a pino: install it with Effect's `Logger.layer`. `Pino.layer` does more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logger = (to: pino.Logger, options: Options = {}): Logger.Logger<unknown, void> =>
  Log.logger({ ...options, destination: destination(to) })

/**
 * A pino in place of Effect's own logger, and a reporter and an observer beside those that are there, as `Log.layer` has them. When its
 * scope closes the pino is flushed.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (to: pino.Logger, options: Options = {}): Layer.Layer<never> =>
  Log.layer({ ...options, destination: destination(to) })

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

/** The error of a stream or of a worker, such as a reader that went away, would end the process if nobody listened. */
const listen = (stream: object, onError: () => void): void => {
  if ("on" in stream && typeof stream.on === "function") stream.on("error", onError)
}

/** A stream that is slower than its program may keep so many bytes; pino itself does not ask. */
const mostBuffered = 16_000_000

const fullness = (stream: object): (() => boolean) => {
  if (!("writableLength" in stream) || typeof stream.writableLength !== "number") return () => false
  const waiting = stream as { readonly writableLength: number }
  return () => waiting.writableLength > mostBuffered
}

const writeTo = (logger: Instance, record: Format.Record): void => {
  logger[levels[record.level]](bindingsOf(record), record.message)
}

const bindingsOf = ({ fields, reports, trace }: Format.Record): { readonly [name: string]: unknown } => {
  const [report, ...also] = reports
  if (report === undefined && trace === undefined) return fields
  return {
    ...fields,
    ...(trace && { trace_id: trace.traceId, span_id: trace.spanId }),
    ...(report && failureOf(report)),
    ...(also.length > 0 && { also: also.map(({ code, message }) => ({ code, message })) })
  }
}

/** A failure as pino and its tools know one: an `err` with type, message and stack, and its own facts in it. */
const failureOf = (report: Report.Report): { readonly [name: string]: unknown } => {
  const { actor, attributes, causes, code, detail, fingerprint, host, itemId, jobId, level, message, stack, url } =
    report
  const facts = { name: code, message, stack, detail, actor, ...attributes, level, fingerprint }
  const more = causes.length === 0 ? {} : { causes }
  return {
    // Pino's own serializer takes the name of what has no constructor as the error's type.
    err: Object.assign(Object.create(null), facts, more),
    job: jobId,
    item: itemId,
    url,
    host
  }
}
