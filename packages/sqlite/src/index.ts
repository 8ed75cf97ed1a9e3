/**
 * Effect's SqlClient over node:sqlite, until an official driver for Effect 4.1 is released.
 *
 * @since 0.1.0
 */
export * as Sqlite from "./Sqlite.ts"
