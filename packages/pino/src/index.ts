/**
 * Effect's logs, failure reports and retry events through your own pino.
 *
 * @since 0.1.0
 */
export * as Pino from "./Pino.ts"
