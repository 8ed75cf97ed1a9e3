import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import { type WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"
import type { StoreError } from "../Store.ts"
import { wake } from "./answers.ts"
import type { Begun, Of, Records } from "./records.ts"

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

/** Fibers of an execution that do something between two steps have so long to begin the next one. */
const grace = "1 second"

/** When no step has begun or ended for so long, none is about to. */
const quiet = "5 millis"

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
  yield* patient(records.begin(of))
  let known = yield* patient(records.known(of))
  const recorded = new Map(known.steps.map((one) => [one.step, one]))
  const asked = new Set<string>()
  const reading = Semaphore.makeUnsafe(1)
  let underWay = 0
  /** How many steps have begun and ended. */
  let turns = 0

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
    turns++
    const before = recorded.get(step)?.kind
    if (before !== undefined)
      return before === kind ? undefined : yield* stick(`the step "${step}" was ${before}, and is ${kind} now`)
    if (underWay > 0 || skipped() === undefined) return
    yield* Effect.sleep(grace)
    const old = underWay > 0 ? undefined : skipped()
    if (old !== undefined) return yield* stick(`the step "${step}" is new where "${old}" was`)
  })

  const settled: Effect.Effect<void> = Effect.suspend(() => {
    const before = turns
    return Effect.flatMap(Effect.sleep(quiet), () => (turns === before ? Effect.void : settled))
  })

  /** Reads again what is known, once for all fibers that were woken. */
  const again = (wakes: number) =>
    Semaphore.withPermit(
      reading,
      Effect.suspend(() =>
        known.wakes > wakes
          ? Effect.void
          : Effect.map(patient(records.known(of)), (now) => {
              known = now
            })
      )
    )

  const answer: Execution["answer"] = (step) =>
    Effect.suspend(() => {
      const found = known.answers.get(step)
      if (found !== undefined) return Effect.succeed(found)
      const { wakes } = known
      return Effect.andThen(
        Effect.andThen(settled, DurableDeferred.await(wake(wakes))),
        Effect.andThen(again(wakes), answer(step))
      )
    })

  const execution: Execution = {
    of,
    stick,
    settled,
    answer,
    wait: records.wait,
    step: Effect.fnUntraced(function* (one, first, main) {
      yield* fits(one)
      underWay++
      const before = recorded.get(one.step)
      if (before === undefined) yield* patient(records.step(of, one, first))
      turns++
      return yield* Effect.ensuring(
        main(before ?? one),
        Effect.sync(() => {
          underWay--
          turns++
        })
      )
    })
  }

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
