import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Observer from "@redrive/core/Observer"
import type * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import * as Breaker from "../Breaker.ts"
import * as Budget from "../Budget.ts"
import type * as RetryPolicy from "../RetryPolicy.ts"
import * as Bulkhead from "./bulkhead.ts"
import * as Gate from "./gate.ts"
import { log } from "./logging.ts"
import * as telling from "./telling.ts"
import * as Time from "./time.ts"

/**
 * The outer call as a nested call sees it: its runner, and the monotonic time at which it ends.
 *
 * `running` counts the outer calls that share this value. Zero means that they have all ended, and only a fiber that they forked still
 * has it in its context.
 */
export interface Around {
  readonly shared: Pick<Shared, "bulkhead" | "name" | "policy">
  readonly deadline: number
  /** Whether this call, or one around it, retries: then the calls within it need not. */
  readonly retries: boolean
  running: number
  /** Whether a creation within it was cut short, which may have happened. Calls that share this value cannot tell whose it was. */
  mayHaveCreated?: boolean
}

/** The outer call of a fiber, if there is one. */
const Surrounding: Context.Reference<Around | undefined> = Context.Reference<Around | undefined>(
  "@redrive/retry/internal/shared/Surrounding",
  { defaultValue: () => undefined }
)

/** An item of a redrive, which decides by the item's failure while the item runs. */
export interface Judging {
  isOver: boolean
}

/** The redrive's item that this fiber runs in, if any. */
export const Judged: Context.Reference<Judging | undefined> = Context.Reference<Judging | undefined>(
  "@redrive/retry/internal/shared/Judged",
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

/** An attempt's way to say that it must not be sent, since the one before it may have happened. */
export class NotAgain {
  readonly _tag = "NotAgain"
}

/** A refusal by a breaker or rate limit; `again` is the wait after which another try makes sense. */
export class Refusal {
  readonly _tag = "Refusal"
  readonly again: Duration.Duration | undefined

  constructor(again: Duration.Duration | undefined) {
    this.again = again
  }
}

export const isRefusal = (u: unknown): u is Refusal => u instanceof Refusal

/** Admits an attempt or refuses it, within `most` (default: no limit); `verdictOf` reads the attempt's failure. */
export type Guard = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  key: string,
  verdictOf: (failure: E) => Verdict.Verdict,
  most?: Duration.Duration
) => Effect.Effect<A, E | Refusal, R>

/** Returns how long a call of the key has to wait for its turn; refuses a wait longer than `most`. */
export type Limiter = (key: string, most: Duration.Duration) => Effect.Effect<Duration.Duration, Refusal>

/** Parts of a runner that other processes share. */
export interface Parts {
  readonly guard?: Guard | undefined
  readonly limiter?: Limiter | undefined
}

/** The state that the calls of one runner share. */
export interface Shared extends Parts {
  readonly name: string
  readonly policy: RetryPolicy.RetryPolicy
  /** The policy's deadline and longest Retry-After, in milliseconds. */
  readonly deadline: number
  readonly maxRetryAfter: number
  readonly budget: Budget.State | undefined
  readonly bulkhead: Bulkhead.Bulkhead | undefined
  /** Limits how many attempts may be sent twice. */
  readonly hedges: Budget.State | undefined
  readonly gates: ReadonlyMap<string, Gate.Gate>
  /** Reads the surroundings of a call from its fiber's context. */
  readonly surroundingsOf: (fiber: Fiber.Fiber<unknown, unknown>) => Surroundings
  /** The breaker of a key, made on first use. */
  readonly breakerOf: (key: string) => Breaker.State | undefined
  /** Reports the breakers' changes since the last report, under the name of this call. */
  readonly tellChanges: (fiber: Fiber.Fiber<unknown, unknown>, name: string) => void
  readonly shut: (key: string, until: string, time: Time.Time, random: number) => Gate.Gate
  readonly probed: (gate: Gate.Gate, isCounted: boolean, now: number, random: number) => void
  /** Opens the gate of a key, if it is shut. */
  readonly open: (fiber: Fiber.Fiber<unknown, unknown>, key: string) => void
  /** Logs, once, that calls run within another policy's. */
  readonly sayNested: (call: string, around: string) => Effect.Effect<void>
}

type Change = Observer.BreakerOpened | Observer.BreakerClosed

/**
 * Keeps breakers for the 5,000 newest keys, for up to 5,000 keys before them, and 5,000 idle gates. A closed breaker that is forgotten
 * starts anew; after a forgotten gate, the next call of its key is an ordinary attempt.
 */
const mostKeys = 5000

export const make = (policy: RetryPolicy.RetryPolicy, name: string, { guard, limiter }: Parts): Shared => {
  const { breaker, budget, bulkhead, hedge, parking } = policy
  const places = bulkhead && Bulkhead.make(bulkhead.concurrent, bulkhead.queue)
  const gates = new Map<string, Gate.Gate>()
  let breakers = new Map<string, Breaker.State>()
  let earlier = breakers
  let changes: Array<(name: string) => Change> = []
  let isNestingSaid = false

  const newBreaker = (rule: Breaker.Breaker, key: string): Breaker.State =>
    Breaker.make(rule, (change) =>
      changes.push((call) =>
        change.to === "open"
          ? { _tag: "BreakerOpened", name: call, key, delay: Duration.millis(change.delay) }
          : { _tag: "BreakerClosed", name: call, key }
      )
    )

  const breakerOf = (rule: Breaker.Breaker, key: string): Breaker.State => {
    const known = breakers.get(key)
    if (known !== undefined) return known
    if (breakers.size >= mostKeys) {
      const open = [...earlier].filter(([, state]) => state.condition(Infinity) !== "closed").slice(-mostKeys)
      earlier = new Map([...open, ...breakers])
      breakers = new Map()
    }
    const state = earlier.get(key) ?? newBreaker(rule, key)
    breakers.set(key, state)
    return state
  }

  /** Forgets idle gates: the oldest beyond `mostKeys`, and those without a probe for as long as a call would wait. */
  const forgetGates = (now: number, longest: number) => {
    let looks = 8
    for (const [key, gate] of gates) {
      const isOld = gates.size > mostKeys || now > gate.probeAt + longest
      if (!isOld || looks-- === 0) return
      gates.delete(key)
      // A gate in use becomes the newest.
      if (!Gate.isIdle(gate)) gates.set(key, gate)
    }
  }

  // One fiber makes many calls, so the next call mostly has the same context as the last.
  let last: Surroundings | undefined

  return {
    name,
    policy,
    deadline: policy.deadline === undefined ? Infinity : Duration.toMillis(policy.deadline),
    maxRetryAfter: Duration.toMillis(policy.maxRetryAfter),
    guard,
    limiter,
    gates,
    surroundingsOf: (fiber) => {
      const { context } = fiber
      if (last?.outside === context) return last
      const outer = fiber.getRef(Surrounding)
      const endless = {
        shared: { bulkhead: places, name, policy },
        deadline: Infinity,
        running: 0,
        // The outer call may have ended since.
        get retries() {
          return policy.retries > 0 || (outer !== undefined && outer.running > 0 && outer.retries)
        }
      }
      last = {
        outside: context,
        time: Time.of(fiber.getRef(Clock.Clock)),
        outer,
        endless,
        within: withinOf(context, endless)
      }
      return last
    },
    budget: budget === undefined ? undefined : Budget.make(budget),
    bulkhead: places,
    hedges:
      hedge === undefined
        ? undefined
        : Budget.make({ _tag: "Ratio", ratio: hedge.share, window: Duration.seconds(10), floor: 0 }),
    breakerOf: (key) => (breaker === undefined || guard !== undefined ? undefined : breakerOf(breaker, key)),
    tellChanges: (fiber, call) => {
      if (changes.length === 0) return
      const told = changes
      changes = []
      for (const change of told) telling.breakerChanged(fiber, change(call))
    },
    shut: (key, until, time, random) => {
      if (parking === undefined) throw new Error("a policy without parking has no gates")
      const gate = Gate.shut(parking, until, time, random)
      gates.set(key, gate)
      forgetGates(time.now(), Duration.toMillis(parking.maximum))
      return gate
    },
    probed: (gate, isCounted, now, random) => {
      if (parking !== undefined) Gate.probed(gate, parking, isCounted, now, random)
    },
    open: (fiber, key) => {
      const gate = gates.get(key)
      if (gate === undefined) return
      gates.delete(key)
      Gate.open(gate)
      Observer.tellUnsafe(fiber, () => ({ _tag: "Resumed", name, key }))
    },
    sayNested: (call, around) =>
      Effect.suspend(() => {
        if (isNestingSaid) return Effect.void
        isNestingSaid = true
        return log("Info", `calls of ${call} run within ${around}, which tries again: one attempt each`)
      })
  }
}
