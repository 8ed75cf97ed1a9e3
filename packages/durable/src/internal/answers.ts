import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import type { Ended, Records } from "./records.ts"

/** How a task ended that a workflow waits for. */
const Outcome = Schema.Struct({
  /** What it came to, as JSON, if it is done. */
  result: Schema.NullOr(Schema.String),
  code: Schema.String,
  actor: Schema.String,
  because: Schema.String,
  message: Schema.String
})

const Text = Schema.fromJsonString(Outcome)

export const read = Schema.decodeSync(Text)

/** An execution waits for the ends of all its tasks by one name; each time that it is woken, it waits by the next. */
export const wake = (wakes: number) => DurableDeferred.make(`tasks/${wakes}`)

/** A task that is not there any more has no end that a workflow could wait for. */
const gone = {
  result: null,
  code: "task_gone",
  actor: "operator",
  because: "gone",
  message: "the task was deleted before its end was read"
}

const textOf = ({ actor, because, code, message, result, state }: Ended): string =>
  Schema.encodeSync(Text)(
    state === null
      ? gone
      : {
          result: state === "done" ? (result ?? "null") : null,
          code: code ?? "",
          actor: actor ?? "",
          because: because ?? "",
          message: message ?? ""
        }
  )

/**
 * Tells workflows how the tasks ended that they wait for. Any process may do so, for all others, and any may be lost on the way: an execution counts
 * as woken only when it was.
 */
export const run = (records: Records, pollInterval: number) =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine
    const ended = yield* records.ended
    if (ended.length > 0) yield* records.answer(ended.map((one) => [one.waiter, textOf(one)]))
    const unaware = yield* records.unaware
    yield* Effect.forEach(
      unaware,
      ({ execution, wakes, workflow }) => {
        const deferred = wake(wakes)
        const of = { workflowName: workflow, executionId: execution, deferredName: deferred.name }
        return engine.deferredDone(deferred, { ...of, exit: Exit.void })
      },
      { concurrency: 10, discard: true }
    )
    if (unaware.length > 0) yield* records.woken(unaware)
  }).pipe(
    Effect.catchCause((cause) => Effect.logWarning("workflows could not be told of the ends of tasks", cause)),
    Effect.andThen(Effect.sleep(pollInterval)),
    Effect.forever
  )
