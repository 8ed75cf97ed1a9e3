/**
 * Who listens in a scope: to the events of the retry engine, to the failures that are reported, and to the log.
 *
 * An adapter is one observer, installed by `layer`. Any number of them hear, however their layers are put together: merged in any order,
 * provided one to another, nested, or the same one twice. What is installed for an inner scope hears that scope only.
 *
 * `watch` tells them how an effect ends that no retry engine runs.
 *
 * Observers are called synchronously, on the fiber that something happened on; one that throws is ignored. With no observers it costs nothing.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as Bindings from "./internal/bindings.ts"
import * as Call from "./internal/report/call.ts"
import * as Left from "./internal/report/left.ts"
import { safely } from "./internal/chain.ts"
import { failuresOf, type Heard, identityOf, isHeard, isNew, unwrap } from "./internal/report/once.ts"
import * as Report from "./Report.ts"
import type * as Verdict from "./Verdict.ts"

/**
 * The fields of every event about a call.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallEvent {
  /** The name of the call. */
  readonly name: string
  /** The key that it shares with other calls, such as a host. Default: none, as for calls that name none. */
  readonly key?: string | undefined
  /** The number of the attempt, from 1; 0 for a call that was refused before its first. */
  readonly attempt: number
}

/**
 * An attempt failed. The next event says what follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface AttemptFailed extends CallEvent {
  readonly _tag: "AttemptFailed"
  /** The failure of the attempt. */
  readonly error: unknown
  /** The verdict on it. */
  readonly verdict: Verdict.Verdict
  /** How long the attempt took. */
  readonly duration: Duration.Duration
}

/**
 * Another attempt follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface RetryScheduled extends CallEvent {
  readonly _tag: "RetryScheduled"
  /** The failure of the last attempt. */
  readonly error: unknown
  /** The verdict on it. */
  readonly verdict: Verdict.Verdict
  /** The wait before the next attempt. */
  readonly delay: Duration.Duration
}

/**
 * A call succeeded after failed attempts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recovered extends CallEvent {
  readonly _tag: "Recovered"
}

/**
 * A call succeeded with its first attempt. Observers hear of it only while somebody expects it (`expectSuccess`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Succeeded extends CallEvent {
  readonly _tag: "Succeeded"
}

/**
 * A call was given up.
 *
 * @category models
 * @since 0.1.0
 */
export interface GaveUp extends CallEvent {
  readonly _tag: "GaveUp"
  /** The failure that the call ended with, without `RetryExhausted` around it. */
  readonly error: unknown
  /** The engine's reason. */
  readonly because: string
  /** The facts of the call, for the report of its failure. Default: the event's `name`, `key` and `because`. */
  readonly call?: Report.Call | undefined
}

/**
 * A call that was given up succeeded with its fallback.
 *
 * @category models
 * @since 0.1.0
 */
export interface FellBack extends CallEvent {
  readonly _tag: "FellBack"
  /** The failure that the call was given up with. */
  readonly error: unknown
  /** The engine's reason. */
  readonly because: string
}

/**
 * Failed items run in another round; `attempt` is the number of the round, from 2.
 *
 * @category models
 * @since 0.1.0
 */
export interface Redriven extends CallEvent {
  readonly _tag: "Redriven"
  /** How many items run again. */
  readonly items: number
  /** The wait before the round. */
  readonly delay: Duration.Duration
}

/**
 * The fields of every event about a key, which calls share.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyEvent {
  /** The name of the call or the runner. */
  readonly name: string
  /** The key, such as a host; empty for calls that name none. */
  readonly key: string
}

/**
 * A circuit breaker opened: it refuses calls of its key.
 *
 * @category models
 * @since 0.1.0
 */
export interface BreakerOpened extends KeyEvent {
  readonly _tag: "BreakerOpened"
  /** How long it refuses calls before it lets a probe through. */
  readonly delay: Duration.Duration
}

/**
 * A circuit breaker closed: it lets calls of its key through again.
 *
 * @category models
 * @since 0.1.0
 */
export interface BreakerClosed extends KeyEvent {
  readonly _tag: "BreakerClosed"
}

/**
 * Calls of a key wait at a gate, without attempts, until somebody has acted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parked extends KeyEvent {
  readonly _tag: "Parked"
  /** The action that they wait for, such as `top up`. */
  readonly until: string
  /** The failure that shut the gate. */
  readonly error: unknown
}

/**
 * The gate of a key is open again.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resumed extends KeyEvent {
  readonly _tag: "Resumed"
}

/**
 * An event of the retry engine.
 *
 * @category models
 * @since 0.1.0
 */
export type Event =
  | AttemptFailed
  | RetryScheduled
  | Recovered
  | Succeeded
  | GaveUp
  | FellBack
  | Redriven
  | BreakerOpened
  | BreakerClosed
  | Parked
  | Resumed

/**
 * Where and when a failure was reported.
 *
 * @category models
 * @since 0.1.0
 */
export interface Told {
  /** The failure itself, as it was raised. It is not bounded, and may contain secrets. */
  readonly failure: unknown
  /** The cause that it was reported in. */
  readonly cause: Cause.Cause<unknown>
  /** The fiber that reported it. */
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** When it was reported, in nanoseconds since the epoch. */
  readonly at: bigint
}

/**
 * The functions of an adapter that listens. Each is called synchronously, and anything that it throws is ignored.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observer {
  /** Hears each event of the retry engine. Default: hears none. */
  readonly event?: ((event: Event, fiber: Fiber.Fiber<unknown, unknown>) => void) | undefined
  /**
   * Hears each reported failure once, however often it is raised within a second, alone or wrapped: its report, which all observers share,
   * and where it happened. Interrupts and failures marked with `ErrorReporter.ignore` are left out. Default: hears none.
   */
  readonly report?: ((report: Report.Report, told: Told) => void) | undefined
  /** Takes each log record, in place of the loggers that Effect has by default. Default: takes none. */
  readonly log?: ((record: Logger.Options<unknown>) => void) | undefined
}

/** An observer, and what it was told of. */
interface Listener {
  readonly observer: Observer
  readonly heard: Heard
}

const listeners = Bindings.make<Listener>("@redrive/core/Observer")

/**
 * Adds an observer to those of other layers, for the scope of this one.
 *
 * A `log` replaces Effect's default loggers. Other loggers, installed around it, go on getting the records.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (observer: Observer): Layer.Layer<never> =>
  Layer.mergeAll(
    Layer.suspend(() => listeners.layer({ observer, heard: new WeakMap() })),
    observer.report === undefined ? Layer.empty : ErrorReporter.layer([reporter], { mergeWithExisting: true }),
    observer.log === undefined ? Layer.empty : layerLogger
  )

/**
 * The one `ErrorReporter` of all observers. `layer` installs it.
 *
 * A failure that is raised more than a second later is a new one, even if it is the same object. So is an error that wraps another as its
 * cause: only `RetryExhausted` and the wrappers of a job's or an item's failure count as the failure itself.
 *
 * @category instances
 * @since 0.1.0
 */
export const reporter: ErrorReporter.ErrorReporter = {
  [ErrorReporter.TypeId]: ErrorReporter.TypeId,
  report: ({ cause, fiber, timestamp }) => {
    // A failure that is not an object, such as a string, is identified by the cause that carries it.
    const hearing = listeners
      .of(fiber.context)
      .filter(({ heard, observer }) => observer.report !== undefined && !isHeard(heard, cause, timestamp))
    if (hearing.length === 0) return
    for (const { heard } of hearing) heard.set(cause, timestamp)
    for (const failure of failuresOf(cause)) tellFailure(hearing, { failure, cause, fiber, at: timestamp })
  }
}

const tellFailure = (hearing: ReadonlyArray<Listener>, told: Told): void => {
  const { at, cause, failure, fiber } = told
  // Effect's own constructor of reporters passes on a copy of the error, without its fields.
  if (safely(() => ErrorReporter.isIgnored(unwrap(failure))) === true) return
  const identity = identityOf(failure)
  const first = hearing.filter(({ heard }) => isNew(heard, identity, at))
  if (first.length === 0) return
  // One report for all who hear: they are told at once, so that none could see another state of the error. It is kept for no later look at
  // the same error, which a program may have changed by then. A program may have taken the failure out of its wrapper, which knows the call.
  const call = Predicate.isObjectKeyword(failure) ? Call.noted(failure, at) : Call.notedOf(cause, at)
  const report = Report.make(failure, { secrets: Report.secretsOf(fiber.context), call })
  for (const { observer } of first) safely(() => observer.report?.(report, told))
}

/**
 * The one `Logger` of all observers: it hands each record to those of the fiber that take records. `layer` installs it.
 *
 * @category instances
 * @since 0.1.0
 */
export const logger: Logger.Logger<unknown, void> = Logger.make((record) => {
  for (const { observer } of listeners.of(record.fiber.context)) {
    try {
      observer.log?.(record)
    } catch {
      // An observer that throws keeps the record from itself, and from no other.
    }
  }
})

const layerLogger: Layer.Layer<never> = Layer.effect(
  Logger.CurrentLoggers,
  Effect.map(Logger.CurrentLoggers, (loggers) => {
    const all = new Set(loggers).add(logger)
    all.delete(Logger.defaultLogger)
    all.delete(Logger.tracerLogger)
    return all
  })
)

/**
 * Tells every observer of a fiber. The event is made once, and only if there is an observer.
 *
 * @category running
 * @since 0.1.0
 */
export const tellUnsafe = (fiber: Fiber.Fiber<unknown, unknown>, event: () => Event): void => {
  const all = listeners.of(fiber.context)
  if (all.length === 0) return
  const told = event()
  if (told._tag === "GaveUp") return gaveUp(all, fiber, told)
  if (told._tag === "FellBack") Call.forget(told.error)
  hear(all, fiber, told)
}

const hear = (all: ReadonlyArray<Listener>, fiber: Fiber.Fiber<unknown, unknown>, told: Event): void => {
  for (const { observer } of all) safely(() => observer.event?.(told, fiber))
}

const gaveUp = (all: ReadonlyArray<Listener>, fiber: Fiber.Fiber<unknown, unknown>, told: GaveUp): void => {
  const { because, call, error, key, name } = told
  // Within another policy's call giving up is not the end.
  if (because === "nested") return hear(all, fiber, told)
  const now = nanosOf(fiber)
  const watched = Left.take(fiber.getRef(OuterCall), error)
  const facts = call ?? { name, key, because }
  const failure = watched === undefined ? error : unwrap(error)
  Call.note(failure, watched === undefined ? facts : { ...facts, key: undefined, ...watched }, now)
  hear(all, fiber, told)
  // A watched effect left its failure to this call, which has ended with it.
  if (watched !== undefined && fiber.getRef(ErrorReporter.CurrentErrorReporters).has(reporter))
    reporter.report({ cause: Cause.fail(failure), fiber, timestamp: now })
}

const nanosOf = (fiber: Fiber.Fiber<unknown, unknown>): bigint => fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()

const expected = new Map<string, number>()

/**
 * Asks the retry engine to tell when a call of this name and key succeeds, which it does not otherwise: most calls do. Returns a function that
 * ends this. For observers that must hear when something works again; the events go to the observers of the call, as all do.
 *
 * @category running
 * @since 0.1.0
 */
export const expectSuccess = (name: string, key: string): (() => void) => {
  const call = `${name}\n${key}`
  expected.set(call, (expected.get(call) ?? 0) + 1)
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    const left = (expected.get(call) ?? 1) - 1
    if (left === 0) expected.delete(call)
    else expected.set(call, left)
  }
}

/**
 * Whether somebody expects the success of a call. It costs nothing while nobody expects any.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSuccessExpected = (name: string, key: string): boolean =>
  expected.size > 0 && expected.has(`${name}\n${key}`)

/**
 * Tells every observer of the current fiber, as `tellUnsafe` does.
 *
 * @category running
 * @since 0.1.0
 */
export const tell = (event: () => Event): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    tellUnsafe(fiber, event)
    return Effect.void
  })

/**
 * The outer call of a fiber, as `watch` sees it.
 *
 * @category models
 * @since 0.1.0
 */
export interface OuterCall {
  /** How many calls that share this value are running. Zero means that they have ended, and only a fiber that they forked still has it. */
  readonly running: number
  /** Whether the call, or one around it, may try again after a failure. */
  readonly retries: boolean
  /** The failures of watched effects that were left to these calls. Absent if there is none. */
  left?: Set<Left.Left> | undefined
}

/**
 * The call of a retry engine that a fiber runs in, if any. The engine provides it, and tells that the call gave up on a fiber that has it.
 *
 * @category references
 * @since 0.1.0
 */
export const OuterCall: Context.Reference<OuterCall | undefined> = Context.Reference<OuterCall | undefined>(
  // Keys that begin as the listeners' do are taken for listeners.
  "@redrive/core/OuterCall",
  { defaultValue: () => undefined }
)

/**
 * Forgets what watched effects have left to a call that tries again after a failure. The engine calls it before that. Of calls that share their value,
 * only what this failure is or wraps is forgotten.
 *
 * @category running
 * @since 0.1.0
 */
export const forgive = (outer: OuterCall, failure: unknown): void => {
  if (outer.left === undefined) return
  if (outer.running <= 1) Left.takeAll(outer)
  else Left.take(outer, failure)
}

/**
 * Reports what watched effects have left to calls, the last of which has ended: nothing tries again after it. A call around them that still may gets it in
 * turn. The engine calls it on the fiber of that call, outside of it.
 *
 * @category running
 * @since 0.1.0
 */
export const release = (outer: OuterCall, fiber: Fiber.Fiber<unknown, unknown>): void => {
  if (outer.left === undefined || outer.running > 0) return
  const all = [...Left.takeAll(outer)]
  const around = retriedIn(fiber)
  for (const { about, failure } of all) {
    if (around !== undefined) Left.leave(around, failure, about)
    else reportUnsafe(fiber, failure, about)
  }
}

/**
 * What a watched effect is about.
 *
 * @category options
 * @since 0.1.0
 */
export interface WatchOptions {
  /**
   * What the effect has in common with others of its name, such as a host or a customer. A success ends the incidents of its own name and key
   * only. Default: none, as for effects that share nothing.
   */
  readonly key?: string | undefined
}

/**
 * Tells observers how an effect ends: its failure is reported, with the effect's name and key, and its later success is told to those who expect
 * it. So an alerter knows when an incident is over, without a retry engine.
 *
 * The effect's exit stays the same. Failures and defects are reported once, also with `Effect.withErrorReporting` around it; within it, that would
 * report the failure without its name. Interruptions, and failures marked with `ErrorReporter.ignore`, are not reported. A call of the retry engine
 * that has given up with the failure has a name and a key already, which the report keeps: its own success ends the incident. In a call that
 * retries, a failure is forgotten once the call tries again; what is left when it ends is reported then. Other loops, such as `Effect.retry`, belong inside, or each attempt is
 * reported.
 *
 * A success that nobody expects costs next to nothing.
 *
 * @category running
 * @since 0.1.0
 */
export const watch: {
  (name: string, options?: WatchOptions): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, name: string, options?: WatchOptions): Effect.Effect<A, E, R>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(self: Effect.Effect<A, E, R>, name: string, { key = "" }: WatchOptions = {}): Effect.Effect<A, E, R> => {
    const about = key === "" ? { name } : { name, key }
    return Effect.onExitPrimitive(self, (exit) => {
      if (exit._tag === "Failure") return failed(exit.cause, about)
      return isSuccessExpected(name, key) ? tell(() => ({ _tag: "Succeeded", ...about, attempt: 1 })) : undefined
    })
  }
)

const failed = (cause: Cause.Cause<unknown>, about: Left.About): Effect.Effect<void> | undefined => {
  const failures = failuresOf(cause).filter(
    (failure) => safely(() => ErrorReporter.isIgnored(unwrap(failure))) !== true
  )
  if (failures.length === 0) return undefined
  return Effect.withFiber((fiber) => {
    const outer = retriedIn(fiber)
    // The engine does not retry after a defect.
    if (outer !== undefined && !Cause.hasDies(cause)) {
      for (const failure of failures) Left.leave(outer, failure, about)
      return Effect.void
    }
    const because = Cause.hasDies(cause) ? "defect" : "failed"
    for (const failure of failures) {
      if (isTold(fiber, cause, failure)) continue
      tellUnsafe(fiber, () => ({ _tag: "GaveUp", ...about, attempt: 1, error: failure, because }))
      // A failure that is not an object is identified by the cause that carries it.
      if (!Predicate.isObjectKeyword(failure)) Call.note(cause, { ...about, because }, nanosOf(fiber))
    }
    // A reporter that throws must not change the effect's exit.
    return Effect.ignoreCause(ErrorReporter.report(cause))
  })
}

/** The call around a fiber that may try again after its failure. */
const retriedIn = (fiber: Fiber.Fiber<unknown, unknown>): OuterCall | undefined => {
  const outer = fiber.getRef(OuterCall)
  return outer !== undefined && outer.running > 0 && outer.retries ? outer : undefined
}

/** Whether the failure was told of already: by the engine, by another `watch` within this one, or by a report. */
const isTold = (fiber: Fiber.Fiber<unknown, unknown>, cause: Cause.Cause<unknown>, failure: unknown): boolean => {
  const at = nanosOf(fiber)
  const own = Predicate.isObjectKeyword(failure) ? failure : cause
  return (
    Call.isNoted(own, at) ||
    listeners
      .of(fiber.context)
      .some(({ heard }) => [own, ...identityOf(failure).same].some((one) => isHeard(heard, one, at)))
  )
}

/** Tells of a failure of a watched effect after that has ended. */
const reportUnsafe = (fiber: Fiber.Fiber<unknown, unknown>, failure: unknown, about: Left.About): void => {
  const cause = Cause.fail(failure)
  if (isTold(fiber, cause, failure)) return
  tellUnsafe(fiber, () => ({ _tag: "GaveUp", ...about, attempt: 1, error: failure, because: "failed" }))
  const timestamp = nanosOf(fiber)
  if (!Predicate.isObjectKeyword(failure)) Call.note(cause, { ...about, because: "failed" }, timestamp)
  for (const one of fiber.getRef(ErrorReporter.CurrentErrorReporters))
    safely(() => one.report({ cause, fiber, timestamp }))
}
