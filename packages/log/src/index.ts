/**
 * Failure reports and retry events as structured log lines.
 *
 * @since 0.1.0
 */
export * as Destination from "./Destination.ts"
export * as Format from "./Format.ts"
export * as Log from "./Log.ts"
export * as OpenTelemetry from "./OpenTelemetry.ts"
