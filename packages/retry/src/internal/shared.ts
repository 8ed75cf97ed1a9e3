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

/**
 * What a call within another policy's call must know: that one's runner, and when it ends, in epoch milliseconds. `running` are the calls
 * of which this is said: none, where only what they have left behind, such as a fiber that they forked, is still there.
 */
export interface Around {
  readonly shared: Pick<Shared, "bulkhead" | "name">
  readonly deadline: number
  running: number
}

/** The call around this fiber's, if there is one. */
const Surrounding: Context.Reference<Around | undefined> = Context.Reference<Around | undefined>(
  "@redrive/retry/internal/shared/Surrounding",
  { defaultValue: () => undefined }
)

/** What a fiber's context says to the calls in it. */
export interface Surroundings {
  readonly outside: Context.Context<never>
  readonly clock: Clock.Clock
  readonly outer: Around | undefined
  /** What calls without a deadline say to those within them, and the context that says so. */
  readonly endless: Around
  readonly within: Context.Context<never>
}

/** The call around those of a context, if it is under way. */
export const aroundOf = ({ outer }: Surroundings): Around | undefined =>
  outer !== undefined && outer.running > 0 ? outer : undefined

/** A context as that of calls which say this to those within them. */
export const withinOf = (outside: Context.Context<never>, around: Around): Context.Context<never> =>
  Context.add(outside, Surrounding, around)

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
  readonly shut: (key: string, until: string, clock: Clock.Clock, random: number) => Gate.Gate
  readonly probed: (gate: Gate.Gate, isCounted: boolean, now: number, random: number) => void
  /** Opens the gate of a key, if it is shut. */
  readonly open: (fiber: Fiber.Fiber<unknown, unknown>, key: string) => void
  /** Says, the first time, that calls run within another policy's. */
  readonly sayNested: (around: string) => Effect.Effect<void>
}

type Change = Observer.BreakerOpened | Observer.BreakerClosed

/** So many keys, and as many before them, have a breaker: one that is closed, and was not asked since, is forgotten. */
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
      const endless = { shared: { bulkhead: places, name }, deadline: Infinity, running: 0 }
      last = {
        outside: context,
        clock: fiber.getRef(Clock.Clock),
        outer: fiber.getRef(Surrounding),
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
    shut: (key, until, clock, random) => {
      if (parking === undefined) throw new Error("a policy without parking has no gates")
      const gate = Gate.shut(parking, until, clock, random)
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
