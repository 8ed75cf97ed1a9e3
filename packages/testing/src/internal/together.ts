import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import type { Adapter } from "../Conformance.ts"
import { eventsOf } from "./steps.ts"
import { within } from "./witness.ts"

type Program = Effect.Effect<unknown>
type Adapters = readonly [one: Adapter, other: Adapter]

/** Reports a failure, logs a line and tells an event, each with the mark of its scope. */
const saying = (mark: string): Program =>
  Effect.suspend(() => {
    // Adapters that group failures take those of different names for different ones.
    const failure = Object.assign(new Error(`failure of ${mark}`), { name: `Failed in ${mark}` })
    const recovered = eventsOf(failure, 0, `call of ${mark}`).filter(({ _tag }) => _tag === "Recovered")
    return Effect.all([
      Effect.logError(`line of ${mark}`),
      ...recovered.map((event) => Observer.tell(() => event)),
      ErrorReporter.report(Cause.fail(failure)),
      // It is raised again on its way out.
      ErrorReporter.report(Cause.fail(failure))
    ])
  })

const [outside, inside] = ["the outer scope", "the inner scope"]

/** How two layers come to one program, and which marks the second of them hears; the first hears all. */
const arrangements: ReadonlyArray<
  readonly [how: string, run: (layers: readonly [Layer.Layer<never>, Layer.Layer<never>]) => Program]
> = [
  ["merged", ([one, other]) => within(both, Layer.mergeAll(one, other))],
  ["merged in the other order", ([one, other]) => within(both, Layer.mergeAll(other, one))],
  ["merged with what somebody else installs", ([one, other]) => within(both, Layer.mergeAll(one, beside, other))],
  ["provided one to the other", ([one, other]) => within(both, Layer.provideMerge(one, other))],
  ["provided the other way round", ([one, other]) => within(both, Layer.provideMerge(other, one))],
  ["nested", ([one, other]) => within(Effect.provide(both, other), one)],
  [
    "nested, the second for a part of the program",
    ([one, other]) => within(Effect.andThen(saying(outside), Effect.provide(saying(inside), other)), one)
  ]
]

const both = Effect.andThen(saying(outside), saying(inside))

/** Another adapter, which is only there. */
const beside = Observer.layer({ event: () => undefined, report: () => undefined, log: () => undefined })

const count = (texts: ReadonlyArray<string>, mark: string): number => texts.filter((text) => text.includes(mark)).length

/** Two adapters of one kind each take, of every scope that they are installed for, what one takes alone. */
export const silenced = (fresh: () => Adapter): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const alone = fresh()
    if (alone.taken === undefined) return []
    yield* within(both, alone.layer)
    const texts = alone.taken()
    const found: Array<string> = []
    for (const [how, run] of arrangements) {
      const adapters: Adapters = [fresh(), fresh()]
      yield* run([adapters[0].layer, adapters[1].layer])
      for (const [index, { taken = () => [] }] of adapters.entries()) {
        const heard = taken()
        const isPartly = index === 1 && how.endsWith("part of the program")
        for (const mark of [outside, inside]) {
          const expected = isPartly && mark === outside ? 0 : count(texts, mark)
          const records = count(heard, mark)
          if (records !== expected)
            found.push(
              `${how}: of ${mark} the ${index === 0 ? "first" : "second"} takes ${records} in place of ${expected}`
            )
        }
      }
    }
    return found
  })
