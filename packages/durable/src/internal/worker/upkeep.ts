import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Metric from "effect/Metric"
import type { Store } from "../../Store.ts"
import * as Judgement from "../judgement.ts"
import { surviving } from "./faults.ts"

/** Nobody acted for a task in time. The failure itself is gone with its process; its code and its text are not. */
const expiring = Effect.fnUntraced(function* (store: Store["Service"], queue: string) {
  const now = yield* Clock.currentTimeMillis
  for (const { attempts, code, key, message } of yield* store.endParked(queue, now)) {
    const error = new Judgement.ParkedTooLong({ message: `nobody acted in time; it failed with ${code}: ${message}` })
    const about = { name: queue, key, because: "parked_too_long", attempts: attempts + 1 }
    yield* Observer.tell(() => ({ _tag: "GaveUp", ...about, attempt: about.attempts, error, call: about }))
    yield* ErrorReporter.report(Cause.fail(error))
  }
})

/** The one number that says whether a queue is well: whatever else is wrong, something that is due is not run. */
const measuring = (store: Store["Service"], queue: string) => {
  const late = Metric.gauge("redrive_task_oldest_due_seconds", {
    description: "For how long the first task has been due that is not run, by queue",
    attributes: { queue }
  })
  return Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const oldest = yield* store.oldestDue(queue, now)
    yield* Metric.update(late, oldest === undefined ? 0 : (now - oldest) / 1000)
  })
}

const sweeping = Effect.fnUntraced(function* (store: Store["Service"], queue: string, settings: Kept) {
  const now = yield* Clock.currentTimeMillis
  yield* store.sweep({ queue, done: now - settings.keepDone, failed: now - settings.keepFailed })
})

interface Kept {
  readonly keepDone: number
  readonly keepFailed: number
}

/** What the workers of a queue do for all its tasks, each again and again. */
export const loops = (
  store: Store["Service"],
  queue: string,
  settings: Kept & { readonly pollInterval: number }
): ReadonlyArray<Effect.Effect<void>> => {
  const seldom = Math.max(settings.pollInterval, 15_000)
  return [
    Effect.andThen(surviving(expiring(store, queue)), Effect.sleep(seldom)),
    Effect.andThen(surviving(measuring(store, queue)), Effect.sleep(seldom)),
    Effect.andThen(surviving(sweeping(store, queue, settings)), Effect.sleep("1 hour"))
  ]
}
