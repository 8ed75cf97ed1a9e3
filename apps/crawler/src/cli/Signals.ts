/**
 * Signals after the first one, which Effect's runtime turns into an interruption.
 */
import process from "node:process"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/** npm, pnpm and the terminal may each pass one Ctrl-C on, in milliseconds. */
const oneKeyMillis = 500

/** Ends the process if it has not ended within a time: what it waits for may never come. */
export const endsWithin = (millis: number, message: string): Effect.Effect<void> =>
  Effect.sync(() => {
    setTimeout(() => {
      process.stderr.write(`${message}\n`)
      process.exit(1)
    }, millis).unref()
  })

/** From now on, a person who interrupts the program again need not wait for it to tidy up. */
export const secondEndsAtOnce: Effect.Effect<void> = Effect.map(Clock.clockWith(Effect.succeed), (clock) => {
  let first: number | undefined
  const onSignal = () => {
    const now = clock.currentTimeMillisUnsafe()
    first ??= now
    if (now - first > oneKeyMillis) process.exit(130)
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, onSignal)
})

let isService = false

/** From now on, an interruption is how the program is meant to end: the process then exits with 0, and no supervisor takes it for a failure. */
export const endsByInterruption: Effect.Effect<void> = Effect.sync(() => {
  isService = true
})

/** Exits with 130 where an interruption kept the program from its end, and otherwise as Effect does. */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  Runtime.defaultTeardown(exit, (code) => onExit(code === 130 && isService ? 0 : code))
