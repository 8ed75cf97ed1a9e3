/**
 * Failures as alerts: routed, grouped, told once, and told when they are over.
 *
 * @since 0.1.0
 */
export * as Alert from "./Alert.ts"
export * as AlertWire from "./AlertWire.ts"
export * as Alerter from "./Alerter.ts"
export * as AlertmanagerSink from "./AlertmanagerSink.ts"
export * as AlertmanagerWire from "./AlertmanagerWire.ts"
export * as AppriseSink from "./AppriseSink.ts"
export * as ConsoleSink from "./ConsoleSink.ts"
export * as DiscordSink from "./DiscordSink.ts"
export * as DiscordWire from "./DiscordWire.ts"
export * as Heartbeat from "./Heartbeat.ts"
export * as Incident from "./Incident.ts"
export * as Journal from "./Journal.ts"
export * as Outbox from "./Outbox.ts"
export * as PagerDutySink from "./PagerDutySink.ts"
export * as PagerDutyWire from "./PagerDutyWire.ts"
export * as Route from "./Route.ts"
export * as Sink from "./Sink.ts"
export * as SlackSink from "./SlackSink.ts"
export * as SlackWire from "./SlackWire.ts"
export * as SqlOutbox from "./SqlOutbox.ts"
export * as TeamsSink from "./TeamsSink.ts"
export * as TeamsWire from "./TeamsWire.ts"
export * as WebhookSink from "./WebhookSink.ts"
