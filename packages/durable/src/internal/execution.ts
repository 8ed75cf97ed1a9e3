import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Workflow from "effect/workflow/Workflow"
import { type WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"
import type { StoreError } from "../Store.ts"
import * as Outcomes from "./execution/outcomes.ts"
import * as Steps from "./execution/steps.ts"
import { type Begun, type Of, patient, type Records } from "./records.ts"

/** The execution that steps belong to. It lives until the workflow waits: then all is asked for anew, from the beginning. */
export interface Execution {
  readonly of: Of
  /**
   * Runs a step once; `main` gets what was recorded when it began. `first` is written together with that record, and not again. Sticks if the step does
   * not fit what was recorded.
   */
  readonly step: <A, E, R, R2>(
    begun: Begun,
    first: Effect.Effect<void, StoreError, R2>,
    main: (begun: Begun) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R | R2 | WorkflowInstance>
  /** Waits until no other fiber of the execution is about to begin a step: to wait for something durable ends them all. */
  readonly settled: Effect.Effect<void>
  /** How the task of a step ended. */
  readonly answer: (step: string) => Effect.Effect<string, never, WorkflowEngine | WorkflowInstance>
  readonly wait: Records["wait"]
  /** Keeps the execution where it is, for a version that fits. */
  readonly stick: (why: string) => Effect.Effect<never, never, WorkflowInstance>
}

/** The execution that the handler of a workflow is in. `Workflows.run` provides it. */
export class Current extends Context.Service<Current, Execution>()("@redrive/durable/Workflows/Current") {}

const sticking =
  (records: Records, of: Of): Execution["stick"] =>
  (why) =>
    Effect.gen(function* () {
      yield* Effect.logError(`the workflow ${of.workflow} is stuck: ${why}`, { execution: of.execution })
      // Another fiber may have begun to wait, which ends this one.
      yield* Effect.uninterruptible(patient(records.stick(of, why)))
      return yield* Workflow.suspend(yield* WorkflowInstance)
    })

export const run = Effect.fnUntraced(function* <A, E, R>(
  records: Records,
  of: Of,
  handler: Effect.Effect<A, E, R>
): Effect.fn.Return<A, E, Exclude<R, Current> | WorkflowInstance> {
  yield* patient(records.begin(of))
  const known = yield* patient(records.known(of))
  const stick = sticking(records, of)
  const { settled, step } = Steps.make(records, of, known.steps, stick)
  const answer = Outcomes.make(records, of, known, settled)
  const execution: Execution = { of, step, settled, answer, wait: records.wait, stick }

  let exit: Exit.Exit<A, E> | undefined
  const instance = yield* WorkflowInstance
  // Only so an end is seen that an interruption by somebody brings. The scope is closed in other cases, too, such as at the end of the process.
  yield* Workflow.addFinalizer(() =>
    Effect.gen(function* () {
      const isOver = instance.interrupted || (exit !== undefined && !isInterrupted(exit))
      if (!isOver || !(yield* patient(records.end(of, exit !== undefined && Exit.isSuccess(exit))))) return
      if (exit !== undefined && Exit.isFailure(exit) && !isInterrupted(exit)) yield* ErrorReporter.report(exit.cause)
    })
  )
  return yield* Effect.onExit(Effect.provideService(handler, Current, execution), (own) =>
    Effect.sync(() => {
      exit = own
    })
  )
})

const isInterrupted = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
