import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Report from "@redrive/core/Report"
import type * as Observer from "@redrive/core/Observer"

/**
 * Calls that were given up, until it is known whether somebody handled that: a failure that nobody does is reported soon, and is one
 * record then. What was not reported in a while was handled, and is a warning.
 */
export interface Handled {
  /** Whether it is waited for: beyond a thousand it is as good as handled, since the program goes on. */
  readonly gaveUp: (event: Observer.GaveUp, context: Context.Context<never>, now: number) => boolean
  /** A failure was reported, or is known to be handled. */
  readonly settled: (failure: unknown) => void
  /** Takes what was given up before a time, in epoch milliseconds, and warns of it. */
  readonly warn: (before: number) => Effect.Effect<void>
  readonly isWaiting: () => boolean
}

interface Waiting {
  readonly event: Observer.GaveUp
  readonly context: Context.Context<never>
  readonly since: number
}

const most = 1000

export const make = (): Handled => {
  let waiting: Array<Waiting> = []
  return {
    gaveUp: (event, context, now) => {
      // Within another policy's call giving up is not the end.
      if (event.because === "nested") return true
      if (waiting.length >= most) return false
      waiting.push({ event, context, since: now })
      return true
    },
    settled: (failure) => {
      const index = waiting.findIndex(({ event }) => Report.wraps(failure, event.error))
      if (index >= 0) waiting.splice(index, 1)
    },
    warn: (before) =>
      Effect.suspend(() => {
        const due = waiting.filter(({ since }) => since <= before)
        waiting = waiting.filter(({ since }) => since > before)
        return Effect.forEach(due, warning, { discard: true })
      }),
    isWaiting: () => waiting.length > 0
  }
}

/** As the fiber would have logged it that gave up. */
const warning = ({ context, event }: Waiting): Effect.Effect<void> =>
  Effect.provideContext(Effect.logWarning(...lineOf(event)), context)

/** A message and fields. */
export const lineOf = ({ attempt, because, error, name }: Observer.GaveUp) => {
  const { code, fingerprint, message } = Report.make(error)
  return [
    `${name} was given up (${because}), which was handled: ${message}`,
    { call: name, attempt, because, code, fingerprint }
  ] as const
}
