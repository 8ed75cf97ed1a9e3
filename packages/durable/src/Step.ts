/**
 * The steps of a workflow. Each has a name of its own, by which it is known when the workflow goes on after a wait, a deploy or a crash.
 *
 * The code of a workflow runs from its beginning after each wait; a step that has ended gives what it gave. So whatever is not a step, such as a random
 * number or the time, may differ from one run to the next. A name that is used twice, and a step that no longer fits what was recorded, are refused: the execution is
 * stuck, and goes on with a version that fits (`Workflows.stuck`).
 *
 * @since 0.1.0
 */
import * as Verdict from "@redrive/core/Verdict"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Activity from "effect/workflow/Activity"
import * as DurableClock from "effect/workflow/DurableClock"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import { WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"
import * as Answers from "./internal/answers.ts"
import { Current } from "./internal/execution.ts"
import * as Queue from "./Queue.ts"
import type { Store } from "./Store.ts"

export type { Current } from "./internal/execution.ts"

/**
 * What a step needs: it is within the handler of `Workflows.run`.
 *
 * @category models
 * @since 0.1.0
 */
export type Within = Current | WorkflowEngine | WorkflowInstance

/**
 * A task of a workflow that was given up, after all that its policy does.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskFailed extends Schema.TaggedError<TaskFailed>("@redrive/durable/TaskFailed")("TaskFailed", {
  /** The name of the step. */
  step: Schema.String,
  /** The queue of the task. */
  queue: Schema.String,
  /** The id of the task. */
  task: Schema.String,
  /** The code of the last failure. */
  code: Schema.String,
  /** Who must act. */
  actor: Schema.String,
  /** Why it was given up. */
  because: Schema.String,
  /** The message of the last failure. */
  message: Schema.String
}) {
  /** Its policy has tried already. */
  readonly verdict: Verdict.Verdict = Verdict.permanent
}

/**
 * Adds a task, and waits until it has ended: it is retried by the policy of its queue, waits at its gates, and is run by any worker. The workflow takes
 * no memory meanwhile. Gives what the task came to, or fails with what it failed of.
 *
 * @category steps
 * @since 0.1.0
 */
export const task = <P, A>(
  step: string,
  queue: Queue.Queue<P, A>,
  payload: P
): Effect.Effect<A, TaskFailed, Within | Store> =>
  Effect.gen(function* () {
    const execution = yield* Current
    const { answer, of, stick, wait } = execution
    const id = `${of.execution}/${step}`
    yield* Effect.catch(Schema.encodeEffect(queue.payload)(payload), ({ message }) =>
      stick(`the payload of the step "${step}" is wrong: ${message}`)
    )
    const add = Effect.andThen(
      wait(of, step, queue.name, id),
      Effect.catchTag(Queue.add(queue, payload, { id }), "SchemaError", Effect.die)
    ).pipe(Effect.asVoid)
    const begun = { step, kind: `a task of ${queue.name}`, due: 0 }
    const { result, ...failure } = Answers.read(yield* execution.step(begun, add, () => answer(step)))
    if (result === null) return yield* new TaskFailed({ step, queue: queue.name, task: id, ...failure })
    return yield* Effect.catch(Queue.decoded(queue, result), ({ message }) =>
      stick(`what the step "${step}" came to cannot be read: ${message}`)
    )
  }) as Effect.Effect<A, TaskFailed, Within | Store>

/**
 * Waits for a time from the moment on at which the step is asked for first. What restarts meanwhile does not begin it anew.
 *
 * @category steps
 * @since 0.1.0
 */
export const sleep = (step: string, duration: Duration.Input): Effect.Effect<void, never, Within> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    waiting(step, now + Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(duration))))
  )

/** The time at which it was over when it began is kept. */
const waiting = (step: string, due: number): Effect.Effect<void, never, Within> =>
  Effect.flatMap(Current, ({ settled, step: run }) =>
    run({ step, kind: "a wait", due }, Effect.void, (begun) =>
      Effect.gen(function* () {
        const engine = yield* WorkflowEngine
        const instance = yield* WorkflowInstance
        const left = begun.due - (yield* Clock.currentTimeMillis)
        const clock = DurableClock.make({ name: step, duration: Duration.millis(left) })
        if (left <= 0 || Option.isSome(yield* engine.deferredResult(clock.deferred))) return
        yield* engine.scheduleClock(instance.workflow, { executionId: instance.executionId, clock })
        yield* settled
        yield* DurableDeferred.await(clock.deferred)
      })
    )
  )

/**
 * Waits until a time. If that has passed, it waits for nothing.
 *
 * @category steps
 * @since 0.1.0
 */
export const until = (step: string, time: DateTime.DateTime): Effect.Effect<void, never, Within> =>
  waiting(step, DateTime.toEpochMillis(time))

/**
 * What a step of its own keeps.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<A, E> {
  /** What it comes to. Default: nothing is kept. */
  readonly success?: Schema.Codec<A, unknown> | undefined
  /** How it may fail. Default: it fails only by defects. */
  readonly error?: Schema.Codec<E, unknown> | undefined
}

const textOf = <A>(schema: Schema.Codec<A, unknown>) => Schema.fromJsonString(Schema.toCodecJson(schema))

/**
 * Runs an effect in the workflow's own process, and records how it ended: it runs again only if the process is lost before that. For what is quick and
 * local; what may have to be retried is a `task`. To be retried by `Effect.retry` is refused: that would be the same step twice.
 *
 * @category steps
 * @since 0.1.0
 */
export const run = <A = void, E = never, R = never>(
  step: string,
  effect: Effect.Effect<A, E, R>,
  options: Options<A, E> = {}
): Effect.Effect<A, E, Within | R> =>
  Effect.gen(function* () {
    const execution = yield* Current
    const success = textOf(options.success ?? (Schema.Void as unknown as Schema.Codec<A, unknown>))
    const error = textOf(options.error ?? (Schema.Never as unknown as Schema.Codec<E, unknown>))
    const unreadable = ({ message }: { readonly message: string }) =>
      execution.stick(`how the step "${step}" ended cannot be read: ${message}`)
    const activity = Activity.make({
      name: step,
      success: Schema.String,
      error: Schema.String,
      execute: Effect.matchEffect(effect, {
        onSuccess: (value) => Effect.orDie(Schema.encodeEffect(success)(value)),
        onFailure: (failure) => Effect.flatMap(Effect.orDie(Schema.encodeEffect(error)(failure)), Effect.fail)
      })
    })
    return yield* Effect.matchEffect(
      execution.step({ step, kind: "an effect", due: 0 }, Effect.void, () => activity),
      {
        onSuccess: (text) => Effect.catch(Schema.decodeEffect(success)(text), unreadable),
        onFailure: (text) => Effect.flatMap(Effect.catch(Schema.decodeEffect(error)(text), unreadable), Effect.fail)
      }
    )
  }) as Effect.Effect<A, E, Within | R>
