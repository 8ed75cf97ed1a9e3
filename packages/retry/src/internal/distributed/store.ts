import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Health from "./health.ts"

/** Restores the interruptibility of the surrounding code. */
export type Restore = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * How a request is asked: once `after`, an earlier message, has ended. `most` is the longest wait for both. An answer that arrives after
 * its caller has left goes to `giveBack`.
 */
export interface Asking<in A = unknown> {
  readonly after?: Fiber.Fiber<unknown> | undefined
  readonly most?: Duration.Duration | undefined
  readonly restore?: Restore | undefined
  readonly giveBack?: ((answer: A) => Effect.Effect<unknown>) | undefined
}

/** A store outside of this process, which may fail or stay silent. */
export interface Store {
  /** Returns the store's answer, or `undefined` while the store is away. Waits for the timeout at most, and for as long again with `after`. */
  readonly ask: <A extends object, E, R>(
    question: Effect.Effect<A, E, R>,
    asking?: Asking<A>
  ) => Effect.Effect<A | undefined, never, R>
  /** Sends a message in the background, unless the store is away. The fiber ends within the store's timeout. */
  readonly send: <E, R>(
    message: Effect.Effect<object, E, R>
  ) => Effect.Effect<Fiber.Fiber<unknown> | undefined, never, R>
}

const now = { startImmediately: true }

/** Prefixes a key with the runner's name, which ends at the first colon: one store serves many runners, whose state must not mix. */
export const keyOf = (name: string, key: string): string =>
  `${name.replace(/[%:]/g, (mark) => (mark === "%" ? "%25" : "%3A"))}:${key}`

/** Makes the store of a runner of this name. It counts as away if it does not answer within `timeout`. */
export const make = Effect.fnUntraced(function* (
  kind: Health.Kind,
  name: string,
  timeout: Duration.Duration
): Effect.fn.Return<Store, never, Scope.Scope> {
  const health = Health.make(kind, name, timeout)
  const sending = new Set<Fiber.Fiber<unknown>>()
  // Waits for messages under way, each of which ends within the timeout.
  yield* Effect.addFinalizer(() => Fiber.awaitAll(sending))

  const ask: Store["ask"] = (question, { after, most, ...asking } = {}) => {
    if (after === undefined) return askNow(question, { ...asking, most })
    // This wait is outside of the request's own timeout: the store answers both, one after the other.
    return Effect.uninterruptibleMask((own) =>
      Effect.flatMap((asking.restore ?? own)(timeLeft(after, most)), (left) =>
        left !== undefined && Duration.isZero(left) ? Effect.undefined : askNow(question, { ...asking, most: left })
      )
    )
  }

  const askNow: Store["ask"] = (question, { giveBack, most, restore } = {}) =>
    Effect.uninterruptibleMask((own) =>
      Effect.flatMap(health.next, (next) => {
        if (next === "rest") return Effect.undefined
        return Effect.flatMap(inquire(health, timeout, question, next === "try", giveBack), ({ abandon, within }) => {
          // No call waits to find out whether the store is back.
          if (next === "try") return Effect.as(abandon, undefined)
          const isShort = most !== undefined && Duration.isLessThan(most, timeout)
          const answer = isShort ? withinMost(within, most) : Fiber.join(within)
          const awaited = Effect.onInterrupt((restore ?? own)(answer), () => abandon)
          return Effect.tap(awaited, (answer) => (answer === undefined ? abandon : Effect.void))
        })
      })
    )

  const send: Store["send"] = (message) =>
    Effect.flatMap(health.next, (next) => {
      if (next === "rest") return Effect.undefined
      return Effect.map(inquire(health, timeout, message, next === "try"), ({ within }) => {
        if (within.pollUnsafe() !== undefined) return undefined
        sending.add(within)
        within.addObserver(() => sending.delete(within))
        return within
      })
    })

  return { ask, send }
})

/** A request under way: `within` ends within the timeout, `abandon` leaves the answer to `giveBack`. */
interface Inquiry<A> {
  readonly within: Fiber.Fiber<A | undefined>
  readonly abandon: Effect.Effect<void>
}

const inquire = <A extends object, E, R>(
  health: Health.Health,
  timeout: Duration.Duration,
  question: Effect.Effect<A, E, R>,
  isTrial: boolean,
  giveBack: (answer: A) => Effect.Effect<unknown> = () => Effect.void
): Effect.Effect<Inquiry<A>, never, R> => {
  let isAbandoned = false
  const back = (exit: Exit.Exit<A, E>) =>
    Exit.isSuccess(exit) ? Effect.asVoid(Effect.forkDetach(giveBack(exit.value), now)) : Effect.void
  // A request is never interrupted: its answer may be a place that has to be given back.
  const asked = Effect.tap(Effect.exit(question), (exit) => (isAbandoned ? back(exit) : Effect.void))
  return Effect.flatMap(Effect.forkDetach(asked, now), (answering) => {
    const abandon = Effect.suspend(() => {
      if (isAbandoned) return Effect.void
      isAbandoned = true
      const early = answering.pollUnsafe()
      return early !== undefined && Exit.isSuccess(early) ? back(early.value) : Effect.void
    })
    const judged = (exit: Option.Option<Exit.Exit<A, E>>) => {
      if (Option.isNone(exit)) return Effect.andThen(abandon, Effect.as(health.silent(isTrial), undefined))
      if (Exit.isSuccess(exit.value)) return Effect.as(health.answered, exit.value.value)
      return Effect.as(health.failed(exit.value.cause), undefined)
    }
    const early = answering.pollUnsafe()
    const exit = early === undefined ? inTime(answering, timeout) : Effect.asSome(early)
    const within = Effect.forkDetach(Effect.flatMap(exit, judged), now)
    return Effect.map(within, (within) => ({ within, abandon }))
  })
}

const withinMost = <A>(fiber: Fiber.Fiber<A>, most: Duration.Duration) =>
  Effect.map(Effect.timeoutOption(Fiber.join(fiber), most), Option.getOrUndefined)

/** Waits for a message, and returns what is left of `most` after it. */
const timeLeft = (message: Fiber.Fiber<unknown>, most: Duration.Duration | undefined) => {
  const ended = Fiber.await(message)
  if (most === undefined) return Effect.as(ended, undefined)
  return Effect.map(Effect.timed(Effect.timeoutOption(ended, most)), ([took]) =>
    Duration.max(Duration.subtract(most, took), Duration.zero)
  )
}

/** An answer, unless it takes longer than the timeout. */
const inTime = <A>(fiber: Fiber.Fiber<A>, timeout: Duration.Duration): Effect.Effect<Option.Option<A>> =>
  Effect.raceFirst(Effect.asSome(Fiber.join(fiber)), Effect.as(elapse(timeout), Option.none<A>()))

/**
 * Lets a timeout elapse without counting the time in which this process was too busy to read an answer. So it sleeps in parts, each of
 * which may take longer than it should, and lets arrived answers be read after each.
 */
const elapse = (time: Duration.Duration): Effect.Effect<void> => {
  const part = Effect.andThen(Effect.sleep(Duration.divideUnsafe(time, parts)), Effect.yieldNow)
  return Effect.repeat(part, { times: parts - 1 })
}

const parts = 4
