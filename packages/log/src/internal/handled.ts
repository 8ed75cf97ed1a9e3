import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Effect from "effect/Effect"
import * as Report from "@redrive/core/Report"
import type * as Observer from "@redrive/core/Observer"
import { emit, logFailure, nowOf } from "./emit.ts"

/**
 * Calls that were given up, until it is known whether somebody handled that: a failure that nobody does is reported soon, and is one
 * record then. What was not reported in a while was handled, and is a warning.
 */
export interface Handled {
  /** Whether it is waited for: beyond a thousand it is as good as handled, since the program goes on. */
  readonly gaveUp: (event: Observer.GaveUp, context: Context.Context<never>, now: number) => boolean
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

export const make = (): Handled => {
  const waiting = new Set<Waiting>()
  const byError = new Map<unknown, Waiting>()
  const forget = (one: Waiting) => {
    waiting.delete(one)
    if (byError.get(one.event.error) === one) byError.delete(one.event.error)
  }
  const take = (failure: unknown): ReadonlyArray<Waiting> => {
    const found = [failure, ...Report.wrapped(failure)].flatMap((one) => byError.get(one) ?? [])
    for (const one of found) forget(one)
    return found
  }
  return {
    gaveUp: (event, context, now) => {
      // Within another policy's call giving up is not the end.
      if (event.because === "nested") return true
      if (waiting.size >= most) return false
      const one = { event, context, since: now }
      waiting.add(one)
      byError.set(event.error, one)
      return true
    },
    settled: (failure) => void take(failure),
    left: (cause) =>
      Effect.forEach(
        cause.reasons.filter(Cause.isFailReason),
        ({ error: failure }) => {
          const [first] = take(failure)
          if (first === undefined) return Effect.void
          return as(first, (fiber) => logFailure(reportOf(fiber, failure), { cause, failure, fiber, at: nowOf(fiber) }))
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

const reportOf = (fiber: Fiber.Fiber<unknown, unknown>, failure: unknown): Report.Report =>
  Report.make(failure, { secrets: fiber.getRef(Report.Secrets) })

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
export const warn = (
  fiber: Fiber.Fiber<unknown, unknown>,
  { attempt, because, error, name }: Observer.GaveUp
): void => {
  const { code, fingerprint, message } = reportOf(fiber, error)
  const fields = { call: name, attempt, because, code, fingerprint }
  emit(fiber, "Warn", [`${name} was given up (${because}), and the program went on: ${message}`, fields])
}
