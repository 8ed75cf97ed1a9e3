/**
 * Signals after the first one, which Effect's runtime turns into an interruption.
 */
import process from "node:process"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

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
