import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import type { Step } from "../Conformance.ts"
import { hostile } from "./hostile.ts"

/** The same value for the same number, so that exits can be compared. */
const sameFor = <A>(make: (value: number) => A): ((value: number) => A) => {
  const made = new Map<number, A>()
  return (value) => {
    const known = made.get(value)
    if (known !== undefined) return known
    const one = make(value)
    made.set(value, one)
    return one
  }
}

const failureOf = sameFor((value) => {
  const reason = new ItemError.InternalError({ detail: "unknown", cause: new Error("read ECONNRESET") })
  return new ItemError.ItemError({ jobId: `j${value}`, url: `https://example.com/${value}`, reason })
})

const defectOf = sameFor((value) => new Error(`died at ${value}`))

/** What a step does. */
export const effectOf = ({ act, value }: Step): Effect.Effect<unknown, unknown> => {
  switch (act) {
    case "log":
      return Effect.logError(`step ${value}`, { value }).pipe(
        Effect.annotateLogs({ value }),
        Effect.withLogSpan("step")
      )
    case "report":
      return ErrorReporter.report(Cause.fail(failureOf(value)))
    case "tell":
      return Observer.tell(() => eventsOf(failureOf(value), value)[value % 10] ?? resumed)
    case "yield":
      return Effect.yieldNow
    case "hostile": {
      const one = hostile()[value % hostile().length]
      return Effect.andThen(Effect.logError("hostile", { one }), ErrorReporter.report(Cause.fail(one)))
    }
    case "fork":
      return Effect.forEach([1, 2, 3], (n) => Effect.logError(`fork ${n}`), { concurrency: 3 })
    case "fail":
      return Effect.fail(failureOf(value))
    case "die":
      return Effect.die(defectOf(value))
    case "interrupt":
      return Effect.interrupt
  }
}

const resumed: Observer.Event = { _tag: "Resumed", name: "call", key: "k" }

/** One event of each kind, of a call that failed with an error. */
export const eventsOf = (error: unknown, value = 0, name = "call"): ReadonlyArray<Observer.Event> => {
  const about = { name, attempt: value + 1, error }
  const delay = Duration.seconds(1)
  return [
    { _tag: "AttemptFailed", ...about, verdict: Verdict.permanent, duration: delay },
    { _tag: "RetryScheduled", ...about, verdict: Verdict.throttled(), delay },
    { _tag: "Recovered", name, attempt: 2 },
    { _tag: "GaveUp", ...about, because: "retries" },
    { _tag: "FellBack", ...about, because: "retries" },
    { _tag: "Redriven", name, attempt: 2, items: 3, delay },
    { _tag: "BreakerOpened", name, key: "k", delay },
    { _tag: "BreakerClosed", name, key: "k" },
    { _tag: "Parked", name, key: "k", until: "top up", error },
    { ...resumed, name }
  ]
}
