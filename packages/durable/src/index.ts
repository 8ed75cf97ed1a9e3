/**
 * Tasks and workflows that outlive the process.
 *
 * @since 0.1.0
 */
export * as Failed from "./Failed.ts"
export * as Gates from "./Gates.ts"
export * as Queue from "./Queue.ts"
export * as SqlStores from "./SqlStores.ts"
export * as Step from "./Step.ts"
export * as Store from "./Store.ts"
export * as Worker from "./Worker.ts"
export * as Workflows from "./Workflows.ts"
