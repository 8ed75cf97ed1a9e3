/**
 * Each failure as one Sentry event, with the retries that led to it.
 *
 * @since 0.1.0
 */
export * as Sentry from "./Sentry.ts"
