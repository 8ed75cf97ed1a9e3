import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import type { Answer, Records } from "./records.ts"

/** How a task ended that a workflow waits for. */
export const Outcome = Schema.Struct({
  /** What it came to, as JSON, if it is done. */
  result: Schema.NullOr(Schema.String),
  code: Schema.String,
  actor: Schema.String,
  because: Schema.String,
  message: Schema.String
})

/** What a workflow waits for, by the name of the step. */
export const outcomeOf = (step: string) => DurableDeferred.make(`task/${step}`, { success: Outcome })

/** A task that is not there any more has no end that a workflow could wait for. */
const gone = {
  result: null,
  code: "task_gone",
  actor: "operator",
  because: "gone",
  message: "the task was deleted before its end was read"
}

const outcome = ({ actor, because, code, message, result, state }: Answer): typeof Outcome.Type =>
  state === null
    ? gone
    : {
        result: state === "done" ? (result ?? "null") : null,
        code: code ?? "",
        actor: actor ?? "",
        because: because ?? "",
        message: message ?? ""
      }

/** Tells workflows how the tasks ended that they wait for. Any process may do so: the first word about a task stays. */
export const run = (records: Records, pollInterval: number) =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine
    const answers = yield* records.answers
    yield* Effect.forEach(
      answers,
      (answer) =>
        engine.deferredDone(outcomeOf(""), {
          workflowName: answer.workflow,
          executionId: answer.execution,
          deferredName: answer.deferred,
          exit: Exit.succeed(outcome(answer))
        }),
      { concurrency: 10, discard: true }
    )
    if (answers.length > 0) yield* records.answered(answers.map(({ waiter }) => waiter))
    return answers.length
  }).pipe(
    Effect.catch(({ cause, message }) => Effect.as(Effect.logWarning(message, cause), 0)),
    Effect.flatMap((count) => (count > 0 ? Effect.yieldNow : Effect.sleep(pollInterval))),
    Effect.forever
  )
