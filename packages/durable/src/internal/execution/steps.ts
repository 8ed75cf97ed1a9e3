import * as Effect from "effect/Effect"
import type { Execution } from "../execution.ts"
import { type Begun, type Of, patient, type Records } from "../records.ts"

/** Fibers of an execution that do something between two steps have so long to begin the next one. */
const grace = "1 second"

/** When no step has begun or ended for so long, none is about to. */
const quiet = "5 millis"

/** The steps of an execution, held against those that were recorded before it went on from its beginning. */
export const make = (
  records: Records,
  of: Of,
  before: ReadonlyArray<Begun>,
  stick: Execution["stick"]
): Pick<Execution, "step" | "settled"> => {
  const recorded = new Map(before.map((one) => [one.step, one]))
  const asked = new Set<string>()
  let underWay = 0
  /** How many steps have begun and ended. */
  let turns = 0

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

  return {
    settled,
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
}
