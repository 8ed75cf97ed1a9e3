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
import * as telling from "./telling.ts"

/** What a call within another policy's call must know: that it is one, and when that one ends, in epoch milliseconds. */
export interface Around {
  readonly name: string
  readonly deadline: number
}

/** The call around this fiber's, if there is one. */
const Surrounding: Context.Reference<Around | undefined> = Context.Reference<Around | undefined>(
  "@redrive/retry/internal/shared/Surrounding",
  { defaultValue: () => undefined }
)

/** What a fiber's context says to the calls in it, and that context as one of a call without a deadline. */
export interface Surroundings {
  readonly outside: Context.Context<never>
  readonly clock: Clock.Clock
  readonly around: Around | undefined
  readonly within: Context.Context<never>
}

/** A fiber's context as that of a call with a deadline. */
export const until = ({ outside }: Surroundings, name: string, deadline: number): Context.Context<never> =>
  Context.add(outside, Surrounding, { name, deadline })

/** What was refused without a failure of its own, and when trying again would make sense. */
export class Refusal {
  readonly _tag = "Refusal"
  readonly again: Duration.Duration | undefined

  constructor(again: Duration.Duration | undefined) {
    this.again = again
  }
}

export const isRefusal = (u: unknown): u is Refusal => u instanceof Refusal

/** Lets an attempt through or refuses it; `verdictOf` reads its failure. */
export type Guard = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  key: string,
  verdictOf: (failure: E) => Verdict.Verdict
) => Effect.Effect<A, E | Refusal, R>

/** How long a call of the key has to wait for its turn; refused if that is longer than `most`. */
export type Limiter = (key: string, most: Duration.Duration) => Effect.Effect<Duration.Duration, Refusal>

/** Parts of a runner that are not its own, but other processes' too. */
export interface Parts {
  readonly guard?: Guard | undefined
  readonly limiter?: Limiter | undefined
}

/** What the calls of one runner share. */
export interface Shared extends Parts {
  readonly name: string
  readonly policy: RetryPolicy.RetryPolicy
  readonly budget: Budget.State | undefined
  readonly bulkhead: Bulkhead.Bulkhead | undefined
  /** How many attempts may be sent twice. */
  readonly hedges: Budget.State | undefined
  readonly gates: ReadonlyMap<string, Gate.Gate>
  /** What a fiber's context says to calls. */
  readonly surroundingsOf: (fiber: Fiber.Fiber<unknown, unknown>) => Surroundings
  /** The breaker of a key, which is made when it is first asked for. */
  readonly breakerOf: (key: string) => Breaker.State | undefined
  /** Tells what breakers have done since this was last called, as a call of this name. */
  readonly tellChanges: (fiber: Fiber.Fiber<unknown, unknown>, name: string) => void
  readonly shut: (key: string, until: string, now: number, random: number) => Gate.Gate
  readonly probed: (gate: Gate.Gate, isCounted: boolean, now: number, random: number) => void
  /** Opens the gate of a key, if it is shut. */
  readonly open: (fiber: Fiber.Fiber<unknown, unknown>, key: string) => void
  /** Says, the first time, that calls run within another policy's. */
  readonly sayNested: (around: string) => Effect.Effect<void>
}

type Change = Observer.BreakerOpened | Observer.BreakerClosed

/** No more keys have a breaker: those that were closed longest ago are forgotten first. */
const mostKeys = 10_000

export const make = (policy: RetryPolicy.RetryPolicy, name: string, { guard, limiter }: Parts): Shared => {
  const { breaker, budget, bulkhead, hedge, parking } = policy
  const gates = new Map<string, Gate.Gate>()
  const breakers = new Map<string, Breaker.State>()
  let changes: Array<(name: string) => Change> = []
  let isNestingSaid = false

  const newBreaker = (rule: Breaker.Breaker, key: string): Breaker.State => {
    const state = Breaker.make(rule, (change) =>
      changes.push((call) =>
        change.to === "open"
          ? { _tag: "BreakerOpened", name: call, key, delay: Duration.millis(change.delay) }
          : { _tag: "BreakerClosed", name: call, key }
      )
    )
    if (breakers.size >= mostKeys) forget()
    breakers.set(key, state)
    return state
  }

  const forget = () => {
    for (const [key, state] of breakers) {
      if (state.condition(Infinity) !== "closed") continue
      breakers.delete(key)
      return
    }
  }

  const endless = { name, deadline: Infinity }
  // One fiber makes many calls: the context of the last one is most often that of the next one, too.
  let last: Surroundings | undefined

  return {
    name,
    policy,
    guard,
    limiter,
    gates,
    surroundingsOf: (fiber) => {
      const { context } = fiber
      if (last?.outside === context) return last
      const around = fiber.getRef(Surrounding)
      last = {
        outside: context,
        clock: fiber.getRef(Clock.Clock),
        around,
        within: Context.add(context, Surrounding, endless)
      }
      return last
    },
    budget: budget === undefined ? undefined : Budget.make(budget),
    bulkhead: bulkhead === undefined ? undefined : Bulkhead.make(bulkhead.concurrent, bulkhead.queue),
    hedges:
      hedge === undefined
        ? undefined
        : Budget.make({ _tag: "Ratio", ratio: hedge.share, window: Duration.seconds(10), floor: 0 }),
    breakerOf: (key) =>
      breaker === undefined || guard !== undefined ? undefined : (breakers.get(key) ?? newBreaker(breaker, key)),
    tellChanges: (fiber, call) => {
      if (changes.length === 0) return
      const told = changes
      changes = []
      for (const change of told) telling.breakerChanged(fiber, change(call))
    },
    shut: (key, until, now, random) => {
      if (parking === undefined) throw new Error("a policy without parking has no gates")
      const gate = Gate.shut(parking, until, now, random)
      gates.set(key, gate)
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
    sayNested: (around) =>
      Effect.suspend(() => {
        if (isNestingSaid) return Effect.void
        isNestingSaid = true
        return Effect.logInfo(`calls of ${name} run within ${around}, which tries again: one attempt each`)
      })
  }
}
