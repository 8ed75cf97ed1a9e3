/**
 * Effect's logs, failure reports and retry events through a pino of your own.
 *
 * @since 0.1.0
 */
export * as Pino from "./Pino.ts"
