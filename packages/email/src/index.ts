/**
 * Alerts as emails: a thread for each incident, and a digest of a burst.
 *
 * @since 0.1.0
 */
export * as EmailSink from "./EmailSink.ts"
export * as EmailWire from "./EmailWire.ts"
