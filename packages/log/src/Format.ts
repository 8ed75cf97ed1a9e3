/**
 * The formats of a log line: for a person, or with the field names of a collector.
 *
 * A format is a function from a record to a line. Records are bounded and contain no secrets, so a format need not check.
 *
 * @since 0.1.0
 */
import type * as LogLevel from "effect/LogLevel"
import * as Check from "@redrive/core/Check"
import type * as Plain from "@redrive/core/Plain"
import type * as Report from "@redrive/core/Report"
import { datadogOf, ecsFieldsOf, ecsOf, gcpOf, identifiers, otelOf } from "./internal/collectors.ts"
import { lineOf } from "./internal/line.ts"
import { json as write } from "./internal/json.ts"
import * as Terminal from "./internal/pretty.ts"

/**
 * One log record, before a format turns it into a line.
 *
 * @category models
 * @since 0.1.0
 */
export interface Record {
  /** When it was logged. */
  readonly date: Date
  /** The level it was logged at. */
  readonly level: LogLevel.LogLevel
  /** The texts that were logged, else the message of the first failure. */
  readonly message: string
  /** The annotations of the fiber: the same object for as long as they do not change, so that it can be a cache's key. */
  readonly annotations: { readonly [name: string]: Plain.Plain }
  /** The record's own fields: the plain objects that were logged, and the log spans. */
  readonly fields: { readonly [name: string]: Plain.Plain }
  /** The failures in the record. The record is about the first; empty if there is none. */
  readonly reports: ReadonlyArray<Report.Report>
  /** The span that the fiber was in. Default: none. */
  readonly trace?:
    | {
        /** The id of the trace, in hexadecimal. */
        readonly traceId: string
        /** The id of the span, in hexadecimal. */
        readonly spanId: string
        /** Whether the trace is recorded. */
        readonly sampled: boolean
      }
    | undefined
}

/**
 * Turns a record into one or more lines, without the last line feed.
 *
 * @category models
 * @since 0.1.0
 */
export type Format = (record: Record) => string

/**
 * The program that writes the log; collectors group records by it.
 *
 * @category options
 * @since 0.1.0
 */
export interface Service {
  /** The name of the program. Default: none. */
  readonly service?: string | undefined
  /** The version of the program. Default: none. */
  readonly version?: string | undefined
}

const service: Check.Rules<Service> = { service: Check.text, version: Check.text }

/** Makes a format for a service; its options are checked once. */
const formatOf = <Options extends Service>(
  name: string,
  rules: Check.Rules<Options>,
  options: Options,
  lineOf: (record: Record, options: Options) => Parameters<typeof write>[0]
): Format => {
  const checked = Check.options(name, rules, options)
  return (record) => write(lineOf(record, checked))
}

/**
 * One line of JSON with plain names, such as `level`, `code` and `message`.
 *
 * @category formats
 * @since 0.1.0
 */
export const json: Format = lineOf

/**
 * The log data model of OpenTelemetry, with the attributes of its semantic conventions: `error.type` is the code, `exception.*` the error.
 * The other facts of a failure are attributes whose names begin with `redrive.`.
 *
 * @category formats
 * @since 0.1.0
 */
export const otel = (options: Service = {}): Format => formatOf("Format.otel", service, options, otelOf)

/**
 * The Elastic Common Schema, with each field in the schema's type. Anything without a field there is a label: a text whose name has no dots.
 *
 * @category formats
 * @since 0.1.0
 */
export const ecs = (options: Service = {}): Format => formatOf("Format.ecs", service, options, ecsOf)

/**
 * The failure and the trace of a record as fields of the Elastic Common Schema, for a logger that writes the rest of the document.
 *
 * These are the fields that `ecs` writes, except the error's message and stack. Each label is a field of its own, named `labels.NAME`. Empty
 * for a record with neither failure nor trace.
 *
 * @category getters
 * @since 0.1.0
 */
export const ecsFields = (record: Record): { readonly [name: string]: Plain.Plain } => ecsFieldsOf(record)

/**
 * The program that writes the log, and its project in Google Cloud.
 *
 * @category options
 * @since 0.1.0
 */
export interface GcpOptions extends Service {
  /** The id of the project that has the traces. Default: none, and lines are not linked to traces. */
  readonly project?: string | undefined
}

/**
 * Google Cloud Logging. Error Reporting takes failures at `Error` and above, and groups them by stack.
 *
 * Each line has an `insertId` of its own, in ascending order. A field whose name has a meaning to Google's agents, such as `time`, gets a `_`.
 *
 * @category formats
 * @since 0.1.0
 */
export const gcp = (options: GcpOptions = {}): Format => {
  const next = identifiers()
  return formatOf("Format.gcp", { ...service, project: Check.text }, options, (record, checked) =>
    gcpOf(record, checked, next())
  )
}

/**
 * Datadog's standard attributes. Error Tracking groups failures by their fingerprint. A field with a name that Datadog reserves, such as `host`,
 * gets a `_`.
 *
 * @category formats
 * @since 0.1.0
 */
export const datadog = (options: Service = {}): Format => formatOf("Format.datadog", service, options, datadogOf)

/**
 * How lines look on a terminal.
 *
 * @category options
 * @since 0.1.0
 */
export interface TerminalOptions {
  /** Whether levels and details have colors. Default: `false`. */
  readonly colors?: boolean | undefined
  /** The number of columns that lines are folded to. Default: not folded. */
  readonly width?: number | undefined
}

const terminalRules: Check.Rules<TerminalOptions> = {
  colors: Check.boolean,
  width: Check.where("a number, 0 or more", (width) => typeof width === "number" && width >= 0)
}

/**
 * For a person: time, level, message, and the facts that the message lacks; below it the causes as a tree, and the stack.
 *
 * @category formats
 * @since 0.1.0
 */
export const terminal = (options: TerminalOptions = {}): Format => {
  const { colors = false, width = Infinity } = Check.options("Format.terminal", terminalRules, options)
  return Terminal.format(colors, width)
}
