/**
 * Failure reports as grouped, deduplicated alerts to a webhook.
 *
 * @since 0.1.0
 */
export * as Alert from "./Alert.ts"
export * as AlertWire from "./AlertWire.ts"
export * as Alerter from "./Alerter.ts"
export * as Sink from "./Sink.ts"
export * as WebhookSink from "./WebhookSink.ts"
