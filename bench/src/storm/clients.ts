import * as Distributed from "@redrive/retry/Distributed"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cockatiel from "cockatiel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import CircuitBreaker from "opossum"
import pRetry from "p-retry"

/** One attempt at a request; `create` is the name of what it creates, if it creates. */
export type Ask = (create: string | undefined, signal: AbortSignal) => Promise<void>

/** One client's way to make a request, with whatever state its calls share. */
export type Client = (create: string | undefined) => Promise<unknown>

/** A way to make requests, of which each client has one of its own. */
export interface Contender {
  readonly name: string
  readonly client: (ask: Ask) => Client
}

const patience = 1000
const timed = (): AbortSignal => AbortSignal.timeout(patience)

/** A second for an attempt, as all have it, and ten for a request; all else is the package's default. */
const policy = RetryPolicy.make({
  attemptTimeout: Duration.millis(patience),
  deadline: Duration.seconds(10),
  budget: "standard",
  breaker: {}
})

const asked =
  (runner: Retry.Runner, ask: Ask): Client =>
  (create) =>
    runner.promise((signal) => ask(create, signal), { operation: create === undefined ? "read" : "create" })

const ours = (ask: Ask): Client => asked(Retry.make(policy), ask)

/** A client that calls once a minute may not retry by the ratio alone. */
const withoutFloor = RetryPolicy.make({
  ...policy,
  budget: { _tag: "Ratio", ratio: 0.2, window: Duration.seconds(10), floor: 0 }
})

/** In place of a Redis that all clients ask. */
const store = ManagedRuntime.make(Distributed.layerMemory)

const whole = Scope.makeUnsafe()

/** A breaker that all clients share. */
const fleet = (ask: Ask): Client =>
  asked(store.runSync(Effect.provideService(Distributed.make(policy, "service"), Scope.Scope, whole)), ask)

/** Delays of 100 ms and more, each up to a fifth longer or shorter, three times. */
const schedule = Schedule.max([Schedule.exponential("100 millis").pipe(Schedule.jittered), Schedule.recurs(3)])

const effect = (ask: Ask): Client => {
  return (create) =>
    Effect.runPromise(
      Effect.tryPromise((signal) => ask(create, signal)).pipe(Effect.timeout("1 second"), Effect.retry(schedule))
    )
}

const cockatiel = (ask: Ask): Client => {
  const all = Cockatiel.handleAll
  const wrapped = Cockatiel.wrap(
    Cockatiel.retry(all, { maxAttempts: 3, backoff: new Cockatiel.ExponentialBackoff() }),
    Cockatiel.circuitBreaker(all, { halfOpenAfter: 10_000, breaker: new Cockatiel.ConsecutiveBreaker(5) }),
    Cockatiel.timeout(patience, Cockatiel.TimeoutStrategy.Aggressive)
  )
  return (create) => wrapped.execute(({ signal }) => ask(create, signal))
}

const opossum = (ask: Ask): Client => {
  const breaker = new CircuitBreaker((create: string | undefined) => ask(create, timed()), {
    timeout: patience,
    errorThresholdPercentage: 50,
    resetTimeout: 30_000
  })
  return (create) => pRetry(() => breaker.fire(create), { retries: 3 })
}

/** Peers by their own documentation, each with three retries and a second for an attempt. */
export const contenders: ReadonlyArray<Contender> = [
  { name: "no retry", client: (ask) => (create) => ask(create, timed()) },
  { name: "p-retry", client: (ask) => (create) => pRetry(() => ask(create, timed()), { retries: 3 }) },
  { name: "Effect.retry, exponential with jitter", client: effect },
  { name: "cockatiel: retry, breaker, timeout", client: cockatiel },
  { name: "p-retry and opossum", client: opossum },
  { name: "Retry, with budget and breaker", client: ours },
  { name: "the same with a budget without a floor", client: (ask) => asked(Retry.make(withoutFloor), ask) },
  { name: "the same with a breaker that all clients share", client: fleet }
]
