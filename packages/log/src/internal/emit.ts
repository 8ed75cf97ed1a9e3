import type * as Fiber from "effect/Fiber"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"

/** Logs from where no effect can be run: through the fiber's own loggers, if its minimum level lets the record pass. */
export const emit = (
  fiber: Fiber.Fiber<unknown, unknown>,
  logLevel: LogLevel.LogLevel,
  message: ReadonlyArray<unknown>
): void => {
  if (LogLevel.isLessThan(logLevel, fiber.getRef(References.MinimumLogLevel))) return
  const date = new Date(fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
  for (const logger of fiber.getRef(Logger.CurrentLoggers)) {
    logger.log({ message, logLevel, cause: Cause.empty, fiber, date })
  }
}
