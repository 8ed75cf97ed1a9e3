/**
 * What a log line looks like: for eyes, or in the field names that a collector knows.
 *
 * A format is a function of a record. Records are bounded and without secrets before a format sees them, so none needs to look.
 *
 * @since 0.1.0
 */
import type * as LogLevel from "effect/LogLevel"
import * as Check from "@redrive/core/Check"
import type * as Plain from "@redrive/core/Plain"
import type * as Report from "@redrive/core/Report"
import { datadogOf, ecsFieldsOf, ecsOf, gcpOf, identifiers, otelOf } from "./internal/collectors.ts"
import { ownOf } from "./internal/fields.ts"
import { json as write } from "./internal/json.ts"
import * as Terminal from "./internal/pretty.ts"

/**
 * One line to be written. `annotations` are those of the fiber, the same object while they are the same, and `fields` its own; `reports` are of
 * the failures in it, the first of which it is about; `trace` is where it happened, in hexadecimal, and `sampled` whether that is recorded.
 *
 * @category models
 * @since 0.1.0
 */
export interface Record {
  readonly date: Date
  readonly level: LogLevel.LogLevel
  readonly message: string
  readonly annotations: { readonly [name: string]: Plain.Plain }
  readonly fields: { readonly [name: string]: Plain.Plain }
  readonly reports: ReadonlyArray<Report.Report>
  readonly trace?: { readonly traceId: string; readonly spanId: string; readonly sampled: boolean } | undefined
}

/**
 * Makes a record a line, or several, without the end of the last one.
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
 * One line of JSON with our own names, the plain ones.
 *
 * @category formats
 * @since 0.1.0
 */
export const json: Format = (record) => write(ownOf(record))

/**
 * The log data model of OpenTelemetry, with the attributes of its semantic conventions: `error.type` is the code, `exception.*` the error.
 * A failure's own facts are attributes under `redrive.`.
 *
 * @category formats
 * @since 0.1.0
 */
export const otel = (options: Service = {}): Format => formatOf("Format.otel", service, options, otelOf)

/**
 * The Elastic Common Schema, each field of the schema's type. What has no field in it is a label: a text, under a name without dots.
 *
 * @category formats
 * @since 0.1.0
 */
export const ecs = (options: Service = {}): Format => formatOf("Format.ecs", service, options, ecsOf)

/**
 * What a record says of its failure and its trace in the fields of the Elastic Common Schema, for a logger that writes the rest of a document.
 *
 * It is what `ecs` writes, without the error's message and stack; labels are fields of the name `labels.` and theirs. Empty without either.
 *
 * @category getters
 * @since 0.1.0
 */
export const ecsFields = (record: Record): { readonly [name: string]: Plain.Plain } => ecsFieldsOf(record)

/**
 * Google Cloud Logging; failures at `Error` and above are Error Reporting's, which groups them by stack. Traces need the `project`.
 * Each line has an `insertId` of its own, in ascending order. A name that Google's agents read otherwise, such as `time`, gets a `_`.
 *
 * @category formats
 * @since 0.1.0
 */
export const gcp = (options: Service & { readonly project?: string | undefined } = {}): Format => {
  const next = identifiers()
  return formatOf("Format.gcp", { ...service, project: Check.text }, options, (record, checked) =>
    gcpOf(record, checked, next())
  )
}

/**
 * Datadog's standard attributes; failures are grouped by our fingerprint. A name that Datadog reserves, such as `host`, gets a `_`.
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
 * For a person: time, level, message, and the facts that it does not tell; causes as a tree below it, and the stack.
 *
 * @category formats
 * @since 0.1.0
 */
export const terminal = (options: TerminalOptions = {}): Format => {
  const { colors = false, width = Infinity } = Check.options("Format.terminal", terminalRules, options)
  return Terminal.format(colors, width)
}
