import * as Observer from "@redrive/core/Observer"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Recorder from "../Recorder.ts"

type Program = Effect.Effect<unknown, unknown>

/** Runs a program with an adapter and without, and says what differs. */
export const differences = (program: Program, adapter: Layer.Layer<never>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const bare = yield* witnessed(program, Layer.empty)
    const observed = yield* witnessed(program, adapter)
    return [
      ...differing("exit", bare.exit, observed.exit, sameExit),
      ...differing("records that another logger sees", bare.records, observed.records, Object.is),
      ...differing("events that another observer sees", bare.events, observed.events, Object.is),
      ...differing("failures that another reporter sees", bare.reports, observed.reports, Object.is)
    ]
  })

const differing = <A>(what: string, one: A, other: A, isSame: (one: A, other: A) => boolean): ReadonlyArray<string> =>
  isSame(one, other) ? [] : [`${what}: ${String(other)} in place of ${String(one)}`]

/** A program within an adapter's scope, with no logger but the adapter's. */
export const within = <A, E>(program: Effect.Effect<A, E>, adapter: Layer.Layer<never>): Effect.Effect<A, E> =>
  Effect.provide(program, Layer.provideMerge(adapter, Logger.layer([])))

/** Runs a program within an adapter's scope, and counts what other listeners are told. */
const witnessed = (program: Program, adapter: Layer.Layer<never>) =>
  Effect.gen(function* () {
    const recorder = yield* Recorder.make
    let records = 0
    const beside = Layer.mergeAll(
      Logger.layer([Logger.make(({ message }) => (isOwn(message) ? records++ : undefined))], {
        mergeWithExisting: true
      }),
      Observer.layer(recorder.observer)
    )
    const exit = yield* Effect.exit(within(Effect.provide(program, beside), adapter))
    const [events, reports] = yield* Effect.all([recorder.events, recorder.reports])
    return { exit, records, events: events.length, reports: reports.length }
  })

/** Whether a line is the program's: adapters log lines of their own. */
const isOwn = (message: unknown): boolean =>
  Array.isArray(message) && typeof message[0] === "string" && /^(?:step|fork|hostile)/.test(message[0])

/** Exits are the same if they have the same value, or causes of the same kinds with the same errors and defects. */
const sameExit = (one: Exit.Exit<unknown, unknown>, other: Exit.Exit<unknown, unknown>): boolean => {
  if (Exit.isSuccess(one) || Exit.isSuccess(other)) {
    return Exit.isSuccess(one) && Exit.isSuccess(other) && Object.is(one.value, other.value)
  }
  const [reasons, others] = [one.cause.reasons, other.cause.reasons]
  const isSame = (index: number) => {
    const [a, b] = [reasons[index], others[index]]
    if (a?._tag === "Fail" && b?._tag === "Fail") return Object.is(a.error, b.error)
    if (a?._tag === "Die" && b?._tag === "Die") return Object.is(a.defect, b.defect)
    return a?._tag === b?._tag
  }
  return reasons.length === others.length && reasons.every((_, index) => isSame(index))
}

/** How an effect ends, if it does within a time; one that cannot even be interrupted is left to itself. */
export const endingWithin = <A>(
  effect: Effect.Effect<A>,
  time: Duration.Input
): Effect.Effect<Option.Option<Exit.Exit<A>>> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(effect)
    const ended = yield* Effect.timeoutOption(Fiber.await(fiber), time)
    if (Option.isNone(ended)) fiber.interruptUnsafe()
    return ended
  })
