import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import { wake } from "../answers.ts"
import type { Execution } from "../execution.ts"
import { type Known, type Of, patient, type Records } from "../records.ts"

/** How the tasks ended that an execution waits for. Each wake brings what has become known since the last one. */
export const make = (records: Records, of: Of, first: Known, settled: Execution["settled"]): Execution["answer"] => {
  let known = first
  const reading = Semaphore.makeUnsafe(1)

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

  return answer
}
