/**
 * Failures as alerts: grouped, told once, and told when they are over.
 *
 * @since 0.1.0
 */
export * as Alert from "./Alert.ts"
export * as AlertWire from "./AlertWire.ts"
export * as Alerter from "./Alerter.ts"
export * as Incident from "./Incident.ts"
export * as Route from "./Route.ts"
export * as Sink from "./Sink.ts"
export * as WebhookSink from "./WebhookSink.ts"
