import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Effect from "effect/Effect"
import * as Report from "@redrive/core/Report"
import type * as Observer from "@redrive/core/Observer"
import { emitAbout, isNewWarning, logFailure, nowOf } from "./emit.ts"
import { ofEnd, subjectOf } from "./event.ts"

/**
 * Remembers calls that were given up until it is known whether the program handled that. An unhandled failure is reported soon, and is one
 * record. A failure that is not reported in time counts as handled, and becomes a warning.
 */
export interface GivenUp {
  /**
   * A call was given up. At most a thousand wait; beyond that, the oldest counts as handled, because failures are usually reported at once.
   */
  readonly gaveUp: (event: Observer.GaveUp, context: Context.Context<never>, now: number) => void
  /** A failure was reported, or is known to be handled. */
  readonly settled: (failure: unknown) => void
  /** The layer's scope ended with a cause: its failures were not handled within the scope. */
  readonly left: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** Logs a warning for each call that was given up before a time, in epoch milliseconds, and forgets it. */
  readonly warn: (before: number) => Effect.Effect<void>
  readonly isWaiting: () => boolean
}

interface Waiting {
  readonly event: Observer.GaveUp
  readonly context: Context.Context<never>
  readonly since: number
}

const most = 1000

export const make = (): GivenUp => {
  const waiting = new Set<Waiting>()
  const byError = new Map<unknown, Waiting>()
  const forget = (one: Waiting) => {
    waiting.delete(one)
    if (byError.get(one.event.error) === one) byError.delete(one.event.error)
  }
  const take = (failure: unknown): ReadonlyArray<Waiting> => {
    // `Report.wrapped` is empty for a failure that is not an object.
    const all = new Set([failure, ...Report.wrapped(failure)])
    const found = [...all].flatMap((one) => byError.get(one) ?? [])
    for (const one of found) forget(one)
    return found
  }
  return {
    gaveUp: (event, context, now) => {
      // The outer policy's call decides what happens next.
      if (event.because === "nested") return
      const one = { event, context, since: now }
      waiting.add(one)
      byError.set(event.error, one)
      const [oldest] = waiting
      if (waiting.size <= most || oldest === undefined) return
      forget(oldest)
      Effect.runSync(as(oldest, (fiber) => warn(fiber, oldest.event)))
    },
    settled: take,
    left: (cause) =>
      Effect.forEach(
        cause.reasons.filter(Cause.isFailReason),
        ({ error: failure }) => {
          const [first] = take(failure)
          if (first === undefined) return Effect.void
          return as(first, (fiber) => {
            const report = reportOf(fiber, failure, first.event.call)
            logFailure(report, { cause, failure, fiber, at: nowOf(fiber) })
          })
        },
        { discard: true }
      ),
    warn: (before) =>
      Effect.suspend(() => {
        const due = [...waiting].filter(({ since }) => since <= before)
        for (const one of due) forget(one)
        return Effect.forEach(due, (one) => as(one, (fiber) => warn(fiber, one.event)), { discard: true })
      }),
    isWaiting: () => waiting.size > 0
  }
}

const reportOf = (fiber: Fiber.Fiber<unknown, unknown>, failure: unknown, call?: Report.Call): Report.Report =>
  Report.make(failure, { secrets: Report.secretsOf(fiber.context), call })

/** Logs with the context of the fiber that gave up. */
const as = ({ context }: Waiting, log: (fiber: Fiber.Fiber<unknown, unknown>) => void): Effect.Effect<void> =>
  Effect.provideContext(
    Effect.withFiber((fiber) => {
      log(fiber)
      return Effect.void
    }),
    context
  )

/** Nobody reported the failure, so the line says only that the program went on. */
const warn = (fiber: Fiber.Fiber<unknown, unknown>, event: Observer.GaveUp): void => {
  if (!isNewWarning(fiber, event)) return
  const { because, error, name } = event
  const report = reportOf(fiber, error)
  const text = `${name} was given up (${because}), and the program went on: ${report.message}`
  emitAbout(subjectOf(event, report), fiber, "Warn", text, ofEnd(event, report))
}
