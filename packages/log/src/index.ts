/**
 * Failure reports and retry events as structured log lines.
 *
 * @since 0.1.0
 */
export * as Log from "./Log.ts"
