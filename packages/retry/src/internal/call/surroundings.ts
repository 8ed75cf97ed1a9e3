import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Observer from "@redrive/core/Observer"
import type * as Verdict from "@redrive/core/Verdict"
import type { RunnerState } from "../state/runnerState.ts"
import * as Time from "../time/monotonic.ts"

/**
 * The outer call as a nested call sees it: its runner, and the monotonic time at which it ends.
 *
 * `running` counts the outer calls that share this value. Zero means that they have all ended, and only a fiber that they forked still
 * has it in its context.
 */
export interface Around {
  readonly shared: Pick<RunnerState, "bulkhead" | "name" | "policy">
  readonly deadline: number
  /** Whether this call, or one around it, retries: then the calls within it need not. */
  readonly retries: boolean
  running: number
  left?: Observer.OuterCall["left"]
  /** Whether a creation within it was cut short, which may have happened. Calls that share this value cannot tell whose it was. */
  mayHaveCreated?: boolean
  /** How many creations within it are under way: the end of its attempt does not interrupt those of promises. */
  creating?: number
}

/** The outer call of a fiber, if there is one. `Observer.watch` sees it, too, and only this engine provides it. */
const Surrounding = Observer.OuterCall as Context.Reference<Around | undefined>

/** The calls whose attempts have these signals. */
const bySignal = new WeakMap<AbortSignal, Around>()

/** Notes the call whose attempt gets a signal: a call by promises that is given this signal is within it. */
export const lend = (signal: AbortSignal, around: Around | undefined): void => {
  if (around !== undefined) bySignal.set(signal, around)
}

/** The context of a call that is given a signal: within the call whose attempt the signal is of, if it is one. */
export const contextOf = (context: Context.Context<never>, signal: AbortSignal | undefined): Context.Context<never> => {
  const around = signal && bySignal.get(signal)
  return around === undefined ? context : withinOf(context, around)
}

/** The outer call of a fiber. */
export const outerOf = (fiber: Fiber.Fiber<unknown, unknown>): Around | undefined => fiber.getRef(Surrounding)

/** An item of a redrive, which decides by the item's failure while the item runs. */
export interface Judging {
  isOver: boolean
}

/** The redrive's item that this fiber runs in, if any. */
export const Judged: Context.Reference<Judging | undefined> = Context.Reference<Judging | undefined>(
  "@redrive/retry/internal/call/surroundings/Judged",
  { defaultValue: () => undefined }
)

/** Whether a redrive, or an outer policy's call that can do something about this verdict, decides by this fiber's failures. */
export const isJudged = (fiber: Fiber.Fiber<unknown, unknown>, verdict: Verdict.Verdict): boolean => {
  if (fiber.getRef(Judged)?.isOver === false) return true
  const outer = fiber.getRef(Surrounding)
  if (outer === undefined || outer.running === 0) return false
  return outer.retries || (verdict._tag === "Parked" && outer.shared.policy.parking !== undefined)
}

/** What a fiber's context says to the calls in it. */
export interface Surroundings {
  readonly outside: Context.Context<never>
  readonly time: Time.Time
  readonly outer: Around | undefined
  /** The outer call as seen within calls without a deadline, and the context that holds it. */
  readonly endless: Around
  readonly within: Context.Context<never>
}

/** The outer call, if it is still running. */
export const aroundOf = ({ outer }: Surroundings): Around | undefined =>
  outer !== undefined && outer.running > 0 ? outer : undefined

/** The context within a call: the outside one, with this as the outer call. */
export const withinOf = (outside: Context.Context<never>, around: Around): Context.Context<never> =>
  Context.add(outside, Surrounding, around)

/** Reads the surroundings of a runner's calls from their fibers. */
export const reader = (runner: Around["shared"]): ((fiber: Fiber.Fiber<unknown, unknown>) => Surroundings) => {
  // One fiber makes many calls, so the next call mostly has the same context as the last.
  let last: Surroundings | undefined
  return (fiber) => {
    const { context } = fiber
    if (last?.outside === context) return last
    const outer = fiber.getRef(Surrounding)
    const endless = {
      shared: runner,
      deadline: Infinity,
      running: 0,
      // The outer call may have ended since.
      get retries() {
        return runner.policy.retries > 0 || (outer !== undefined && outer.running > 0 && outer.retries)
      }
    }
    const time = Time.of(fiber.getRef(Clock.Clock))
    last = { outside: context, time, outer, endless, within: withinOf(context, endless) }
    return last
  }
}
