/**
 * What every adapter must hold to: whatever becomes of what it sends to, the program does what it does without it.
 *
 * A table of programs and of faults, for adapters of this project and of others: an adapter's test gives, for each fault, a layer whose
 * sink has it, and expects no violation. Programs are made of steps, so that a property can run any of them.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Check from "@redrive/core/Check"
import { hoarded } from "./internal/memory.ts"
import { silenced } from "./internal/together.ts"
import * as Rows from "./internal/rows.ts"
import { effectOf } from "./internal/steps.ts"
import * as Witness from "./internal/witness.ts"

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
 * How a sink is: `sound`, or with a fault.
 *
 * @category models
 * @since 0.1.0
 */
export type Sink = "sound" | Fault

/**
 * @category tables
 * @since 0.1.0
 */
export const sinks: ReadonlyArray<Sink> = ["sound", ...faults]

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
  ["reports its own defect on the way out", Effect.withErrorReporting(steps("log", "die"))],
  ["logs a lot", every("log", 500)]
]

/**
 * Runs a program with an adapter and without, and gives what differs: its exit, and what a recorder and a logger beside the adapter were told.
 * Errors and defects are the same if they are one object, so that a program must not make them anew each time.
 *
 * @category running
 * @since 0.1.0
 */
export const differences: (
  program: Effect.Effect<unknown, unknown>,
  adapter: Layer.Layer<never>
) => Effect.Effect<ReadonlyArray<string>> = Witness.differences

/**
 * An adapter under test, new each time: `taken` is what its sink has taken since it was last asked, a text for each record (what is about
 * several failures is there as often); `lost` is of how many it has said that they were lost. What is not given is not looked at.
 *
 * @category models
 * @since 0.1.0
 */
export interface Adapter {
  readonly layer: Layer.Layer<never>
  readonly taken?: (() => ReadonlyArray<string>) | undefined
  readonly lost?: (() => number) | undefined
}

/**
 * How long the test programs may take.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The longest time for a program with the adapter, including its end. Default: 10 seconds. */
  readonly closesWithin?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = { closesWithin: Check.duration() }

/**
 * What an adapter violates of the contract, with one sink: every program of the table does what it does without it; memory does not grow with
 * what it is told once its bounds are reached; its scope closes in time. If what its sink takes is given, a failure is one record however
 * often it is raised, no known secret arrives, and two of its kind hear what one hears, merged and nested in any order; if what it lost is given, too, all that does not arrive is said to be lost.
 *
 * It always ends: with the first program whose scope does not close in time, which is left to itself.
 *
 * @category running
 * @since 0.1.0
 */
export const violations = (
  adapter: () => Adapter | Layer.Layer<never>,
  options: Options = {}
): Effect.Effect<ReadonlyArray<string>> => {
  const { closesWithin = "10 seconds" } = Check.options("Conformance", rules, options)
  return Effect.gen(function* () {
    const found: Array<string> = []
    for (const [what, check] of [...compared, ...rows]) {
      const ended = yield* Witness.endingWithin(
        Effect.suspend(() => check(() => freshOf(adapter))),
        closesWithin
      )
      if (Option.isNone(ended)) return [...found, `${what}: its scope does not close`]
      // What only tells and logs never fails by itself.
      const said = Exit.match(ended.value, { onFailure: (cause) => [`exit: ${String(cause)}`], onSuccess: identity })
      found.push(...said.map((violation) => `${what}: ${violation}`))
    }
    return found
  })
}

const freshOf = (adapter: () => Adapter | Layer.Layer<never>): Adapter => {
  const made = adapter()
  return "layer" in made ? made : { layer: made }
}

type Row = readonly [what: string, check: (fresh: () => Adapter) => Effect.Effect<ReadonlyArray<string>>]

const compared: ReadonlyArray<Row> = programs.map(([what, program]) => [
  `a program that ${what}`,
  (fresh) => differences(program, fresh().layer)
])

const rows: ReadonlyArray<Row> = [
  ["a failure that is raised four times", Rows.twice],
  ["a known secret", Rows.leaked],
  ["a storm", Rows.unsaid],
  ["memory", hoarded],
  ["two of a kind", silenced]
]

/**
 * What an adapter's test runs, whatever runs it: a name and a check for each sink, and one for programs drawn at random. A check gives the
 * violations that it found; an adapter that holds to the contract has none.
 *
 * @category tables
 * @since 0.1.0
 */
export const tests = (
  adapterOf: (sink: Sink) => Adapter,
  options: Options = {}
): ReadonlyArray<readonly [what: string, check: Effect.Effect<ReadonlyArray<string>>]> => [
  ...sinks.map((sink) => [`whose sink is, or ${sink}`, violations(() => adapterOf(sink), options)] as const),
  ["whatever the program does", differencesOfAny(adapterOf)]
]

const drawn = 50

const differencesOfAny = Effect.fnUntraced(function* (adapterOf: (sink: Sink) => Adapter) {
  const found: Array<string> = []
  for (let count = 0; count < drawn; count++) {
    const sink = (yield* Random.shuffle(sinks))[0] ?? "sound"
    const drawnSteps: Array<Step> = []
    const length = yield* Random.nextIntBetween(0, 12)
    for (let step = 0; step < length; step++) {
      const act = (yield* Random.shuffle(Step.fields.act.literals))[0] ?? "log"
      drawnSteps.push({ act, value: yield* Random.nextIntBetween(0, 20) })
    }
    const said = yield* differences(programOf(drawnSteps), adapterOf(sink).layer)
    const about = `${sink}, ${drawnSteps.map(({ act, value }) => `${act} ${value}`).join(", ")}`
    found.push(...said.map((one) => `${about}: ${one}`))
  }
  return found
})
