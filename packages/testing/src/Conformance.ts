/**
 * The contract of adapters as a test: with any adapter, and any fault of its sink, a program does what it does without it.
 *
 * The test is a table of programs and of faults, for adapters of this project and of others. An adapter's test makes a layer whose sink has the
 * fault, for each fault, and expects no violations. Programs are lists of steps, so a property test can draw them at random.
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
 * A fault of a sink: it `throws` when called, `rejects` later, `never settles`, or is `full` after a few records.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault = "throws" | "rejects" | "never settles" | "full"

/**
 * All faults.
 *
 * @category tables
 * @since 0.1.0
 */
export const faults: ReadonlyArray<Fault> = ["throws", "rejects", "never settles", "full"]

/**
 * The state of a sink: `sound`, or a fault.
 *
 * @category models
 * @since 0.1.0
 */
export type Sink = "sound" | Fault

/**
 * All states of a sink.
 *
 * @category tables
 * @since 0.1.0
 */
export const sinks: ReadonlyArray<Sink> = ["sound", ...faults]

/**
 * The schema of `Step`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Step = Schema.Struct({
  /** What the step does. `tell` sends an event to observers; `hostile` logs and reports the hostile value of that number. */
  act: Schema.Literals(["log", "report", "tell", "yield", "hostile", "fork", "fail", "die", "interrupt"]),
  /** Which message, failure, event or hostile value it is about, from 0 to 20. */
  value: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
})

/**
 * One step of a program: it logs, reports a failure, sends an event, yields, forks, or ends the program.
 *
 * @category models
 * @since 0.1.0
 */
export type Step = typeof Step.Type

/**
 * Makes a program of steps. It succeeds with their number if no step ends it.
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
 * The programs of the table, each with a name that follows "a program that".
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
  ["logs hostile values", every("hostile", 20)],
  ["reports its own failure on the way out", Effect.withErrorReporting(steps("log", "fail"))],
  ["reports its own defect on the way out", Effect.withErrorReporting(steps("log", "die"))],
  ["logs a lot", every("log", 500)]
]

/**
 * Runs a program with and without an adapter, and returns the differences: in its exit, and in what another observer and logger heard.
 *
 * Errors and defects are equal only if they are the same object, so the program must not make new ones in each run.
 *
 * @category running
 * @since 0.1.0
 */
export const differences: (
  program: Effect.Effect<unknown, unknown>,
  adapter: Layer.Layer<never>
) => Effect.Effect<ReadonlyArray<string>> = Witness.differences

/**
 * An adapter under test. Each program gets a new one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Adapter {
  /** The adapter's layer. */
  readonly layer: Layer.Layer<never>
  /**
   * Returns the records that its sink took since the last call, each as a text; a record about several failures counts once for each. Default:
   * records are not checked.
   */
  readonly taken?: (() => ReadonlyArray<string>) | undefined
  /** Returns the number of records that the adapter said were lost. Ignored without `taken`. Default: losses are not checked. */
  readonly lost?: (() => number) | undefined
}

/**
 * How long the test programs may take.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The longest time for one program with the adapter, including the end of its scope. Default: 10 seconds. */
  readonly closesWithin?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = { closesWithin: Check.duration() }

/**
 * Tests an adapter with one state of its sink, and returns the violations of the contract.
 *
 * - Every program of the table does what it does without the adapter.
 * - Memory stops growing once the adapter's bounds are reached.
 * - Its scope closes in time.
 * - With `taken`: a failure is one record however often it is raised, no known secret arrives, and of two such adapters, merged or nested in
 *   any order, each hears what one hears alone.
 * - With `lost` too: it says that it lost every record that does not arrive.
 *
 * It always ends. The first program whose scope does not close in time is the last; its fiber is left running.
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
      // A check fails only if the adapter makes it fail.
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
 * The tests of an adapter, for any test runner: a name and a check for each state of the sink, and one for programs drawn at random.
 *
 * A check returns the violations that it found; an adapter that keeps the contract has none.
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
