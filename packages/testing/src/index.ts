/**
 * For tests of code that must survive failure: a site that misbehaves, installed programs, a recorder of events and reports, and the contract
 * of adapters.
 *
 * @since 0.1.0
 */
export * as Behaviour from "./Behaviour.ts"
export * as Conformance from "./Conformance.ts"
export * as HostileSite from "./HostileSite.ts"
export * as Program from "./Program.ts"
export * as Recorder from "./Recorder.ts"
export * as Shutdown from "./Shutdown.ts"
