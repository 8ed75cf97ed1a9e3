import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Observer from "@redrive/core/Observer"
import * as Duration from "effect/Duration"
import * as Breaker from "../Breaker.ts"
import * as Budget from "../Budget.ts"
import type * as RetryPolicy from "../RetryPolicy.ts"
import * as Bulkhead from "./bulkhead.ts"
import * as Gate from "./gate.ts"
import * as metrics from "./metrics.ts"

/** What a call within another policy's call must know: that it is one, and when that one ends, in epoch milliseconds. */
export interface Around {
  readonly name: string
  readonly deadline: number
}

/** The call around this fiber's, if there is one. */
export const Surrounding: Context.Reference<Around | undefined> = Context.Reference<Around | undefined>(
  "@redrive/retry/internal/shared/Surrounding",
  { defaultValue: () => undefined }
)

/** What the calls of one runner share. */
export interface Shared {
  readonly name: string
  readonly policy: RetryPolicy.RetryPolicy
  readonly budget: Budget.State | undefined
  readonly bulkhead: Bulkhead.Bulkhead | undefined
  /** How many attempts may be sent twice. */
  readonly hedges: Budget.State | undefined
  readonly gates: ReadonlyMap<string, Gate.Gate>
  /** Makes a fiber's context that of a call with this deadline. */
  readonly within: <R>(deadline: number) => (context: Context.Context<R>) => Context.Context<R>
  /** The breaker of a key, which is made when it is first asked for. */
  readonly breakerOf: (key: string) => Breaker.State | undefined
  /** Tells what a breaker has done since it was last asked, if it has. */
  readonly toldOf: (name: string, key: string) => Effect.Effect<void> | undefined
  readonly shut: (key: string, until: string, now: number, random: number) => Gate.Gate
  readonly probed: (gate: Gate.Gate, isCounted: boolean, now: number, random: number) => void
  readonly resume: (key: string) => Effect.Effect<void>
  /** Says, the first time, that calls run within another policy's. */
  readonly sayNested: (around: string) => Effect.Effect<void>
}

const tellAndCount = (event: Observer.Event): Effect.Effect<void> => {
  const told = Observer.tell(() => event)
  return event._tag === "BreakerOpened" ? Effect.andThen(told, metrics.breakerOpened(event.name)) : told
}

/** No more keys have a breaker: those that were closed longest ago are forgotten first. */
const mostKeys = 10_000

export const make = (policy: RetryPolicy.RetryPolicy, name: string): Shared => {
  const { breaker, budget, bulkhead, hedge, parking } = policy
  const gates = new Map<string, Gate.Gate>()
  const breakers = new Map<string, Breaker.State>()
  const changes: Array<(name: string) => Observer.Event> = []
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
  let last: Context.Context<never> | undefined
  let lastWithin: Context.Context<never> | undefined
  const withoutEnd = <R>(context: Context.Context<R>): Context.Context<R> => {
    if (last !== context || lastWithin === undefined) {
      last = context
      lastWithin = Context.add(context, Surrounding, endless)
    }
    return lastWithin as Context.Context<R>
  }

  return {
    name,
    policy,
    gates,
    within: (deadline) =>
      deadline === Infinity ? withoutEnd : (context) => Context.add(context, Surrounding, { name, deadline }),
    budget: budget === undefined ? undefined : Budget.make(budget),
    bulkhead: bulkhead === undefined ? undefined : Bulkhead.make(bulkhead.concurrent, bulkhead.queue),
    hedges:
      hedge === undefined
        ? undefined
        : Budget.make({ _tag: "Ratio", ratio: hedge.share, window: Duration.seconds(10), floor: 0 }),
    breakerOf: (key) => (breaker === undefined ? undefined : (breakers.get(key) ?? newBreaker(breaker, key))),
    toldOf: (call) => {
      if (changes.length === 0) return undefined
      return Effect.forEach(changes.splice(0), (change) => tellAndCount(change(call)), { discard: true })
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
    resume: (key) =>
      Effect.suspend(() => {
        const gate = gates.get(key)
        if (gate === undefined) return Effect.void
        gates.delete(key)
        Gate.open(gate)
        return Observer.tell(() => ({ _tag: "Resumed", name, key }))
      }),
    sayNested: (around) =>
      Effect.suspend(() => {
        if (isNestingSaid) return Effect.void
        isNestingSaid = true
        return Effect.logInfo(`calls of ${name} run within ${around}, which tries again: one attempt each`)
      })
  }
}
