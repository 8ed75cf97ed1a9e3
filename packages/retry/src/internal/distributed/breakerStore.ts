import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Store from "./store.ts"
import * as Events from "../call/events.ts"

type Service = CircuitBreaker.CircuitBreakerStore["Service"]

/** How a call asks the store, and whether the store admitted it as a probe. */
export interface Call extends Pick<Store.Asking, "most" | "restore"> {
  isProbe: boolean
}

/** The call of each fiber, noted before Effect's breaker enters an uninterruptible region. */
export type Askings = WeakMap<Fiber.Fiber<unknown, unknown>, Call>

interface Circumstances {
  readonly askings: Askings
  readonly name: string
  readonly timeout: Duration.Duration
  readonly tripPolicy: CircuitBreaker.TripPolicy
}

/** Wraps a store so that calls go through while it is away, and outcomes are recorded in the background. */
export const make = Effect.fnUntraced(function* (
  inner: Service,
  { askings, name, timeout, tripPolicy }: Circumstances
) {
  const store = yield* Store.make("breaker", name, timeout)
  const { record, recording } = yield* recorder(inner, store, name)

  /** Gives back the place of a probe that will not run, so that another call can probe. */
  const free = (key: string, { generation, probe }: CircuitBreaker.Admission) =>
    probe
      ? Effect.ignoreCause(inner.record({ key, generation, outcome: "Ignored", tripPolicy, openFor: Duration.zero }))
      : Effect.void

  const admit: Service["admit"] = (key) =>
    Effect.withFiber((fiber) => {
      const giveBack = (answer: Admitted) => (answer._tag === "Admitted" ? free(key, answer.admission) : Effect.void)
      // Asks after the key's last record has arrived, so that a call sees the result before it.
      const call = askings.get(fiber)
      const asking = { ...call, after: recording.get(key), giveBack }
      askings.delete(fiber)
      return Effect.flatMap(store.ask(admission(inner.admit(key)), asking), (answer) => {
        if (answer === undefined) return Effect.succeed(unguarded)
        if (answer._tag === "Refused") return Effect.fail(answer.error)
        if (call !== undefined) call.isProbe = answer.admission.probe
        return Effect.succeed(answer.admission)
      })
    })

  return CircuitBreaker.CircuitBreakerStore.of({ admit, record, state: inner.state })
})

/** Records outcomes in the background, and tells observers when the breaker changes. */
const recorder = Effect.fnUntraced(function* (inner: Service, store: Store.Store, name: string) {
  const context = yield* Effect.context()
  const told = (transition: CircuitBreaker.Transition | undefined) =>
    Effect.provideContext(tell(name, transition), context)
  /** The newest record under way, by key. */
  const recording = new Map<string, Fiber.Fiber<unknown>>()

  const record: Service["record"] = (options) => {
    const { generation, key } = options
    if (Number.isNaN(generation)) return Effect.undefined
    const message = Effect.map(inner.record(options), (transition) => ({ transition }))
    const sent = store.send(Effect.tap(message, ({ transition }) => told(transition)))
    return Effect.map(sent, (sent) => {
      if (sent === undefined) return undefined
      recording.set(key, sent)
      sent.addObserver(() => {
        if (recording.get(key) === sent) recording.delete(key)
      })
      return undefined
    })
  }

  return { record, recording }
})

/** The admission while the store is away: the store does not know it, and nothing is recorded under it. */
const unguarded: CircuitBreaker.Admission = {
  generation: NaN,
  probe: false,
  consecutiveOpenings: 0,
  transition: undefined
}

type Admitted =
  | { readonly _tag: "Admitted"; readonly admission: CircuitBreaker.Admission }
  | { readonly _tag: "Refused"; readonly error: CircuitBreaker.CircuitBreakerError }

/** An open breaker is an answer; any other error is a failure of the store. */
const admission = <R>(
  admit: Effect.Effect<CircuitBreaker.Admission, CircuitBreaker.CircuitBreakerError, R>
): Effect.Effect<Admitted, CircuitBreaker.CircuitBreakerError, R> =>
  Effect.matchEffect(admit, {
    onFailure: (error): Effect.Effect<Admitted, CircuitBreaker.CircuitBreakerError> =>
      error.reason._tag === "CircuitBreakerStoreError"
        ? Effect.fail(error)
        : Effect.succeed({ _tag: "Refused", error }),
    onSuccess: (admission) => Effect.succeed<Admitted>({ _tag: "Admitted", admission })
  })

const tell = (name: string, transition: CircuitBreaker.Transition | undefined) =>
  Effect.withFiber((fiber) => {
    if (transition === undefined) return Effect.void
    const key = transition.key.slice(Store.keyOf(name, "").length)
    if (transition.to === "Open") {
      Events.breakerChanged(fiber, { _tag: "BreakerOpened", name, key, delay: transition.retryAfter })
    } else if (transition.to === "Closed") Events.breakerChanged(fiber, { _tag: "BreakerClosed", name, key })
    return Effect.void
  })
