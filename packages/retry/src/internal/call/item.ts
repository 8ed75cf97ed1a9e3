import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { logUnhandled } from "../logging.ts"
import { Judged } from "./surroundings.ts"

/** How one item's run ended. `because` is set if the item cannot go again whatever its verdict. */
export interface Ended<A, E> {
  readonly result: Result.Result<A, E | Cause.UnknownError>
  readonly because?: "permanent" | "interrupted"
}

/** Runs one item and catches every end, so that a defect or interruption of one item does not lose the others' results. */
export const ended = <I, A, E, R>(
  each: (item: I, round: number) => Effect.Effect<A, E, R>,
  item: I,
  round: number
): Effect.Effect<Ended<A, E>, never, R> => {
  const judging = { isOver: false }
  const run = Effect.suspend(() => each(item, round)).pipe(Effect.provideService(Judged, judging))
  return Effect.map(Effect.exit(run), (exit): Ended<A, E> => {
    judging.isOver = true
    if (Exit.isSuccess(exit)) return { result: Result.succeed(exit.value) }
    const failure = Cause.hasDies(exit.cause) ? Option.none() : Cause.findErrorOption(exit.cause)
    if (Option.isSome(failure)) return { result: Result.fail(failure.value) }
    const isInterrupted = Cause.hasInterruptsOnly(exit.cause)
    const message = isInterrupted ? "the item was interrupted" : "the item died of a defect"
    const error = new Cause.UnknownError(Cause.squash(exit.cause), message)
    return { result: Result.fail(error), because: isInterrupted ? "interrupted" : "permanent" }
  })
}

/** Runs a callback of a redrive of this name that only observes: a defect in it is logged and stops there. */
export const unharmed = (
  name: string,
  what: string,
  callback: () => Effect.Effect<void> | undefined
): Effect.Effect<void> =>
  Effect.suspend(() => callback() ?? Effect.void).pipe(
    Effect.catchCause((cause) => logUnhandled(`${name}: ${what} failed`, cause))
  )
