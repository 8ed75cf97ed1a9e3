/**
 * What a log line looks like: for eyes, or in the field names that a collector knows.
 *
 * A format is a function of a record. Records are bounded and without secrets before a format sees them, so none needs to look.
 *
 * @since 0.1.0
 */
import type * as LogLevel from "effect/LogLevel"
import type * as Plain from "@redrive/core/Plain"
import type * as Report from "@redrive/core/Report"
import { datadogOf, ecsOf, gcpOf, otelOf } from "./internal/collectors.ts"
import { ownOf } from "./internal/fields.ts"
import { json as write } from "./internal/json.ts"
import * as Terminal from "./internal/pretty.ts"

/**
 * One line to be written. `annotations` are those of the fiber, the same object while they are the same, and `fields` its own; `reports` are of
 * the failures in it, the first of which it is about; `trace` is where it happened, in hexadecimal.
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
  readonly trace?: { readonly traceId: string; readonly spanId: string } | undefined
}

/**
 * Makes a record a line, or several, without the end of the last one.
 *
 * @category models
 * @since 0.1.0
 */
export type Format = (record: Record) => string

/**
 * Who writes: collectors group by it (nobody in particular).
 *
 * @category options
 * @since 0.1.0
 */
export interface Service {
  readonly service?: string | undefined
  readonly version?: string | undefined
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
 *
 * @category formats
 * @since 0.1.0
 */
export const otel =
  (service: Service = {}): Format =>
  (record) =>
    write(otelOf(record, service))

/**
 * The Elastic Common Schema.
 *
 * @category formats
 * @since 0.1.0
 */
export const ecs =
  (service: Service = {}): Format =>
  (record) =>
    write(ecsOf(record, service))

/**
 * Google Cloud Logging; failures at `Error` and above are Error Reporting's, which groups them by stack. Traces need the `project`.
 *
 * @category formats
 * @since 0.1.0
 */
export const gcp =
  (service: Service & { readonly project?: string | undefined } = {}): Format =>
  (record) =>
    write(gcpOf(record, service))

/**
 * Datadog's standard attributes; failures are grouped by our fingerprint.
 *
 * @category formats
 * @since 0.1.0
 */
export const datadog =
  (service: Service = {}): Format =>
  (record) =>
    write(datadogOf(record, service))

/**
 * `colors` of levels and details (none); `width` in columns that lines are folded to (none).
 *
 * @category options
 * @since 0.1.0
 */
export interface TerminalOptions {
  readonly colors?: boolean | undefined
  readonly width?: number | undefined
}

/**
 * For a person: time, level, message, and the facts that it does not tell; causes as a tree below it, and the stack.
 *
 * @category formats
 * @since 0.1.0
 */
export const terminal = ({ colors = false, width = Infinity }: TerminalOptions = {}): Format =>
  Terminal.format(colors, width)
