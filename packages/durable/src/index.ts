/**
 * Tasks that outlive the process.
 *
 * @since 0.1.0
 */
export * as Failed from "./Failed.ts"
export * as Gates from "./Gates.ts"
export * as Queue from "./Queue.ts"
export * as SqlStores from "./SqlStores.ts"
export * as Store from "./Store.ts"
export * as Worker from "./Worker.ts"
