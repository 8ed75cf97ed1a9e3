/**
 * What every adapter must hold to: whatever becomes of what it sends to, the program does what it does without it.
 *
 * A table of programs and of faults, for adapters of this project and of others: an adapter's test gives, for each fault, a layer whose
 * sink has it, and expects no violation. Programs are made of steps, so that a property can run any of them.
 *
 * @since 0.1.0
 */
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as ItemError from "@redrive/core/ItemError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import { setFlagsFromString } from "node:v8"
import process from "node:process"
import { runInNewContext } from "node:vm"
import { hostile } from "./internal/hostile.ts"
import * as Recorder from "./Recorder.ts"

/**
 * What is wrong with a sink: it `throws` when it is given something, `rejects` later, `never settles`, or is `full` after a little.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault = "throws" | "rejects" | "never settles" | "full"

/**
 * @category tables
 * @since 0.1.0
 */
export const faults: ReadonlyArray<Fault> = ["throws", "rejects", "never settles", "full"]

/**
 * One step of a program: it logs, reports a failure, tells observers, yields, or ends; `hostile` logs and reports the value of that number
 * which does not want to be read.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Step = Schema.Struct({
  act: Schema.Literals(["log", "report", "tell", "yield", "hostile", "fork", "fail", "die", "interrupt"]),
  value: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
})

/**
 * @category models
 * @since 0.1.0
 */
export type Step = typeof Step.Type

/**
 * A program that takes these steps, and succeeds with their number if none of them ends it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const programOf = (steps: ReadonlyArray<Step>): Effect.Effect<number, unknown> =>
  Effect.as(Effect.forEach(steps, effectOf, { discard: true }), steps.length)

const effectOf = ({ act, value }: Step): Effect.Effect<unknown, unknown> => {
  switch (act) {
    case "log":
      return Effect.logError(`step ${value}`, { value }).pipe(
        Effect.annotateLogs({ value }),
        Effect.withLogSpan("step")
      )
    case "report":
      return ErrorReporter.report(Cause.fail(failureOf(value)))
    case "tell":
      return Observer.tell(() => eventOf(value))
    case "yield":
      return Effect.yieldNow
    case "hostile": {
      const one = hostile()[value % hostile().length]
      return Effect.andThen(Effect.logError("hostile", { one }), ErrorReporter.report(Cause.fail(one)))
    }
    case "fork":
      return Effect.forEach([1, 2, 3], (n) => Effect.logError(`fork ${n}`), { concurrency: 3 })
    case "fail":
      return Effect.fail(failureOf(value))
    case "die":
      return Effect.die(new Error(`died at ${value}`))
    case "interrupt":
      return Effect.interrupt
  }
}

const failures = new Map<number, ItemError.ItemError>()

/** The same failure for the same number, so that exits can be compared. */
const failureOf = (value: number): ItemError.ItemError => {
  const known = failures.get(value)
  if (known !== undefined) return known
  const reason = new ItemError.InternalError({ detail: "unknown", cause: new Error("read ECONNRESET") })
  const made = new ItemError.ItemError({ jobId: `j${value}`, url: `https://example.com/${value}`, reason })
  failures.set(value, made)
  return made
}

const eventOf = (value: number): Observer.Event => {
  const about = { name: "call", attempt: value + 1, error: failureOf(value) }
  const delay = Duration.seconds(1)
  const events: ReadonlyArray<Observer.Event> = [
    { _tag: "AttemptFailed", ...about, verdict: Verdict.permanent, duration: delay },
    { _tag: "RetryScheduled", ...about, verdict: Verdict.throttled(), delay },
    { _tag: "Recovered", name: "call", attempt: 2 },
    { _tag: "GaveUp", ...about, because: "retries" },
    { _tag: "FellBack", ...about, because: "retries" },
    { _tag: "Redriven", name: "call", attempt: 2, items: 3, delay },
    { _tag: "BreakerOpened", name: "call", key: "k", delay },
    { _tag: "BreakerClosed", name: "call", key: "k" },
    { _tag: "Parked", name: "call", key: "k", until: "top up", error: failureOf(value) },
    { _tag: "Resumed", name: "call", key: "k" }
  ]
  return events[value % events.length] ?? { _tag: "Resumed", name: "call", key: "k" }
}

const steps = (...acts: ReadonlyArray<Step["act"]>) => programOf(acts.map((act, value) => ({ act, value })))
const every = (act: Step["act"], count: number) =>
  programOf(Array.from({ length: count }, (_, value) => ({ act, value })))

/**
 * The programs of the table, by what they do.
 *
 * @category tables
 * @since 0.1.0
 */
export const programs: ReadonlyArray<readonly [what: string, program: Effect.Effect<number, unknown>]> = [
  ["succeeds", steps("log", "report", "tell", "fork", "yield", "log")],
  ["fails", steps("log", "report", "fail")],
  ["dies", steps("log", "report", "die")],
  ["is interrupted", steps("log", "report", "interrupt")],
  ["tells everything", every("tell", 10)],
  ["logs what does not want to be read", every("hostile", 20)],
  ["reports its own failure on the way out", Effect.withErrorReporting(steps("log", "fail"))],
  ["logs a lot", every("log", 500)]
]

/**
 * Runs a program with an adapter and without, and gives what differs: its exit, and what a recorder and a logger beside the adapter were told.
 *
 * @category running
 * @since 0.1.0
 */
export const differences = (
  program: Effect.Effect<unknown, unknown>,
  adapter: Layer.Layer<never>
): Effect.Effect<ReadonlyArray<string>> =>
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

/** Runs a program within an adapter's scope, and counts what others are told beside it. */
const witnessed = (program: Effect.Effect<unknown, unknown>, adapter: Layer.Layer<never>) =>
  Effect.gen(function* () {
    const recorder = yield* Recorder.make
    let records = 0
    const beside = Layer.mergeAll(
      Logger.layer([Logger.make(({ message }) => (isOwn(message) ? records++ : undefined))], {
        mergeWithExisting: true
      }),
      Observer.layer(recorder.observer),
      ErrorReporter.layer([recorder.reporter], { mergeWithExisting: true })
    )
    const silent = Layer.provideMerge(adapter, Logger.layer([]))
    const exit = yield* Effect.exit(Effect.provide(program, Layer.provideMerge(beside, silent)))
    const [events, reports] = yield* Effect.all([recorder.events, recorder.reports])
    return { exit, records, events: events.length, reports: reports.length }
  })

/** What adapters log themselves is not the program's. */
const isOwn = (message: unknown): boolean =>
  Array.isArray(message) && typeof message[0] === "string" && /^(?:step|fork|hostile)/.test(message[0])

/** Exits are the same if they have the same value, or causes of the same kinds with the same errors. */
const sameExit = (one: Exit.Exit<unknown, unknown>, other: Exit.Exit<unknown, unknown>): boolean => {
  if (Exit.isSuccess(one) || Exit.isSuccess(other)) {
    return Exit.isSuccess(one) && Exit.isSuccess(other) && Object.is(one.value, other.value)
  }
  const [reasons, others] = [one.cause.reasons, other.cause.reasons]
  const isSame = (index: number) => {
    const [a, b] = [reasons[index], others[index]]
    if (a?._tag !== b?._tag) return false
    return a?._tag !== "Fail" || b?._tag !== "Fail" || Object.is(a.error, b.error)
  }
  return reasons.length === others.length && reasons.every((_, index) => isSame(index))
}

/**
 * Whether an adapter with a faulty sink holds to the contract: every program of the table does what it does without it; a program that
 * reports and logs 20,000 times takes at most 64 MB of memory for it; and its scope closes within ten seconds. Gives what it violates.
 *
 * @category running
 * @since 0.1.0
 */
export const violations = (adapter: () => Layer.Layer<never>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const found: Array<string> = []
    for (const [what, program] of programs) {
      const differs = Effect.timeoutOrElse(differences(program, adapter()), {
        duration: "10 seconds",
        orElse: () => Effect.succeed(["its scope does not close"])
      })
      for (const difference of yield* differs) found.push(`a program that ${what}: ${difference}`)
    }
    const taken = yield* Effect.scoped(memoryOf(adapter()))
    if (taken > 64_000_000) found.push(`20,000 failures take ${Math.round(taken / 1_000_000)} MB`)
    return found
  })

const many = Effect.forEach(
  Array.from({ length: 20_000 }, (_, n) => n),
  (n) => {
    const cause = Cause.fail(new Error(`failure ${n} ${"x".repeat(500)}`))
    return Effect.andThen(ErrorReporter.report(cause), n % 100 === 0 ? Effect.yieldNow : Effect.void)
  },
  { discard: true }
)

/** Bytes that an adapter holds after many failures. */
const memoryOf = (adapter: Layer.Layer<never>): Effect.Effect<number> =>
  Effect.provide(
    Effect.gen(function* () {
      const before = heap()
      yield* many
      return heap() - before
    }),
    Layer.provideMerge(adapter, Logger.layer([]))
  )

/** What is in use after a collection. */
const heap = (): number => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  if (typeof collect === "function") collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
