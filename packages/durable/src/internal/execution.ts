import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Workflow from "effect/workflow/Workflow"
import { WorkflowInstance } from "effect/workflow/WorkflowEngine"
import type { StoreError } from "../Store.ts"
import type { Begun, Of, Records } from "./records.ts"

/** The execution that steps belong to. It lives until the workflow waits: then all is asked for anew, from the beginning. */
export interface Execution {
  readonly of: Of
  /**
   * Runs a step once. `first` is written together with the note that the step has begun, and not again; `main` is the step, which the engine answers
   * from what it has recorded. Sticks if the step does not fit what was recorded.
   */
  readonly step: <A, E, R, R2>(
    begun: Begun,
    first: Effect.Effect<void, StoreError, R2>,
    main: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R | R2 | WorkflowInstance>
  readonly wait: Records["wait"]
  /** Keeps the execution where it is, for a version that fits. */
  readonly stick: (why: string) => Effect.Effect<never, never, WorkflowInstance>
}

/** The execution that the handler of a workflow is in. `Workflows.run` provides it. */
export class Current extends Context.Service<Current, Execution>()("@redrive/durable/Workflows/Current") {}

/** Fibers of an execution that do something between two steps have so long to begin the next one. */
const grace = "1 second"

/** A database that is away for a while fails no workflow. */
const patient = <A, R>(effect: Effect.Effect<A, StoreError, R>): Effect.Effect<A, never, R> =>
  effect.pipe(
    Effect.tapError(({ cause, message }) => Effect.logWarning(message, cause)),
    Effect.retry(Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")])),
    Effect.orDie
  )

export const run = Effect.fnUntraced(function* <A, E, R>(
  records: Records,
  of: Of,
  handler: Effect.Effect<A, E, R>
): Effect.fn.Return<A, E, Exclude<R, Current> | WorkflowInstance> {
  const begun = yield* patient(records.begin(of))
  const recorded = new Map(begun.map(({ kind, step }) => [step, kind]))
  const asked = new Set<string>()
  let underWay = 0

  const stick = (why: string) =>
    Effect.gen(function* () {
      yield* Effect.logError(`the workflow ${of.workflow} is stuck: ${why}`, { execution: of.execution })
      // Another fiber may have begun to wait, which ends this one.
      yield* Effect.uninterruptible(patient(records.stick(of, why)))
      return yield* Workflow.suspend(yield* WorkflowInstance)
    })

  /** A step that was recorded, and that nobody has asked for yet. */
  const skipped = () => [...recorded.keys()].find((step) => !asked.has(step))

  const fits = Effect.fnUntraced(function* ({ kind, step }: Begun) {
    if (asked.has(step)) return yield* stick(`the step "${step}" was asked for twice: give each a name of its own`)
    asked.add(step)
    const before = recorded.get(step)
    if (before !== undefined)
      return before === kind ? undefined : yield* stick(`the step "${step}" was ${before}, and is ${kind} now`)
    if (underWay > 0 || skipped() === undefined) return
    yield* Effect.sleep(grace)
    const old = underWay > 0 ? undefined : skipped()
    if (old !== undefined) yield* stick(`the step "${step}" is new where "${old}" was`)
  })

  const execution: Execution = {
    of,
    stick,
    wait: records.wait,
    step: Effect.fnUntraced(function* (one, first, main) {
      yield* fits(one)
      underWay++
      return yield* Effect.ensuring(
        Effect.andThen(recorded.has(one.step) ? Effect.void : patient(records.step(of, one, first)), main),
        Effect.sync(() => underWay--)
      )
    })
  }

  const exit = yield* Effect.exit(Effect.provideService(handler, Current, execution))
  const { suspended } = yield* WorkflowInstance
  if (!suspended) {
    yield* patient(records.end(of, Exit.isSuccess(exit)))
    if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) yield* ErrorReporter.report(exit.cause)
  }
  return yield* exit
})
