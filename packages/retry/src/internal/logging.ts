import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"

/** Logs a line. A logger that fails must not fail the call. */
export const log = (
  level: LogLevel.Severity,
  message: string,
  ...cause: ReadonlyArray<Cause.Cause<unknown>>
): Effect.Effect<void> => Effect.ignoreCause(Effect.logWithLevel(level)(message, ...cause))

/**
 * Logs a fault that no call fails with: at `References.UnhandledLogLevel`, or at another level; not at all if that reference is unset.
 */
export const logUnhandled = (
  message: string,
  cause?: Cause.Cause<unknown>,
  level?: LogLevel.Severity
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const unhandled = fiber.getRef(References.UnhandledLogLevel)
    if (unhandled === undefined) return Effect.void
    return log(level ?? unhandled, message, ...(cause === undefined ? [] : [cause]))
  })
