import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { StoreError } from "../../Store.ts"

/** A store that is away for a while stops nothing: what could not be done is done again. */
export const warn = ({ cause, message }: StoreError) => Effect.logWarning(message, cause)

/** A defect is a bug, and no reason to leave tasks alone. */
export const surviving = <E extends StoreError, R>(
  effect: Effect.Effect<unknown, E, R>
): Effect.Effect<void, never, R> =>
  Effect.catchCause(Effect.asVoid(effect), (cause) => {
    const error = Cause.squash(cause)
    return error instanceof StoreError ? warn(error) : Effect.logError("a worker met a defect, and goes on", cause)
  })
