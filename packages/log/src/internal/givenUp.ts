import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Effect from "effect/Effect"
import * as Report from "@redrive/core/Report"
import type * as Observer from "@redrive/core/Observer"
import { emitAbout, isNewWarning, logFailure, nowOf } from "./emit.ts"
import { ofEnd, subjectOf } from "./event.ts"

/**
 * Calls that were given up, until it is known whether somebody handled that: a failure that nobody does is reported soon, and is one
 * record then. What was not reported in a while was handled, and is a warning.
 */
export interface GivenUp {
  /**
   * A call was given up. A thousand wait; beyond that the one that has waited longest is as good as handled, since whoever reports a failure
   * does so at once.
   */
  readonly gaveUp: (event: Observer.GaveUp, context: Context.Context<never>, now: number) => void
  /** A failure was reported, or is known to be handled. */
  readonly settled: (failure: unknown) => void
  /** The scope that this is for ends with a cause: what was given up in it was not handled within. */
  readonly left: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
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

export const make = (): GivenUp => {
  const waiting = new Set<Waiting>()
  const byError = new Map<unknown, Waiting>()
  const forget = (one: Waiting) => {
    waiting.delete(one)
    if (byError.get(one.event.error) === one) byError.delete(one.event.error)
  }
  const take = (failure: unknown): ReadonlyArray<Waiting> => {
    // What is no object wraps nothing, not even itself.
    const all = new Set([failure, ...Report.wrapped(failure)])
    const found = [...all].flatMap((one) => byError.get(one) ?? [])
    for (const one of found) forget(one)
    return found
  }
  return {
    gaveUp: (event, context, now) => {
      // Within another policy's call giving up is not the end.
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

/** Logs as the fiber would have done that gave up. */
const as = ({ context }: Waiting, log: (fiber: Fiber.Fiber<unknown, unknown>) => void): Effect.Effect<void> =>
  Effect.provideContext(
    Effect.withFiber((fiber) => {
      log(fiber)
      return Effect.void
    }),
    context
  )

/** That the program went on is all that is known: nobody reported the failure. */
const warn = (fiber: Fiber.Fiber<unknown, unknown>, event: Observer.GaveUp): void => {
  if (!isNewWarning(fiber, event)) return
  const { because, error, name } = event
  const report = reportOf(fiber, error)
  const text = `${name} was given up (${because}), and the program went on: ${report.message}`
  emitAbout(subjectOf(event, report), fiber, "Warn", text, ofEnd(event, report))
}
