/**
 * Signals after the first one, which Effect's runtime turns into an interruption.
 */
import process from "node:process"
import * as Effect from "effect/Effect"

/** Ends the program at once when it is interrupted again. */
export const endsAtOnce: Effect.Effect<void> = Effect.sync(() => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130))
})
