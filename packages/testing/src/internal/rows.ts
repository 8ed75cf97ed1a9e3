import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Redacted from "effect/Redacted"
import type { Adapter } from "../Conformance.ts"
import { eventsOf } from "./steps.ts"
import { within } from "./witness.ts"

/** In the text of every failure here, whatever an adapter makes of it. */
const mark = "conformance-mark"
const count = (texts: ReadonlyArray<string>): number => texts.filter((text) => text.includes(mark)).length

const report = (failure: unknown) => ErrorReporter.report(Cause.fail(failure))

/** A failure that was given up, is raised again, wrapped, unwrapped and wrapped in another error. */
const onceTold = Effect.suspend(() => {
  const reason = new ItemError.InternalError({ detail: "unknown", cause: new Error("read ECONNRESET") })
  const failure = new ItemError.ItemError({ jobId: "j", url: `https://example.com/${mark}`, reason })
  const [attempt, retry, , gaveUp] = eventsOf(failure)
  const events = [attempt, retry, gaveUp].filter((event) => event !== undefined)
  const raised = [failure, failure, { _tag: "RetryExhausted", failure }, new Error("wrapped", { cause: failure })]
  return Effect.andThen(
    Effect.forEach(events, (event) => Observer.tell(() => event), { discard: true }),
    Effect.forEach(raised, report, { discard: true })
  )
})

/** One failure, one record: less only if it was lost, and that was said. */
export const twice = (fresh: () => Adapter): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const { layer, lost, taken } = fresh()
    if (taken === undefined) return []
    yield* within(onceTold, layer)
    const records = count(taken())
    if (records > 1) return [`${records} records`]
    return records === 0 && lost !== undefined && lost() === 0 ? ["no record, and none is said to be lost"] : []
  })

const secret = "hunter2-known-secret"

/** Everything that a program can say, with a secret in it. */
const indiscreet = Effect.suspend(() => {
  const said = `${mark} ${secret}`
  const failure = Object.assign(new Error(said, { cause: new Error(`cause ${said}`) }), { name: `Error${secret}` })
  const logs = Effect.logError(said, { field: said, [`in ${said}`]: 1 }, failure).pipe(
    Effect.annotateLogs({ annotation: said, [`as ${said}`]: 2 }),
    Effect.withLogSpan(`span ${said}`)
  )
  const events = eventsOf(failure, 0, said).map((event) => ("key" in event ? { ...event, key: said } : event))
  return Effect.all([logs, ...events.map((event) => Observer.tell(() => event)), report(failure), report(said)], {
    discard: true
  })
})

/** No known secret arrives anywhere. */
export const leaked = (fresh: () => Adapter): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const { layer, taken } = fresh()
    if (taken === undefined) return []
    yield* within(Effect.provide(indiscreet, Report.layerSecrets(Redacted.make(secret))), layer)
    const found = taken().find((text) => text.includes(secret))
    if (found === undefined) return []
    const at = found.indexOf(secret)
    return [`arrives: ${found.slice(Math.max(0, at - 60), at + secret.length)}`]
  })

const storm = 1200

/** Words without a number, so that no two failures are of one class. */
const wordOf = (n: number): string => n.toString(26).replace(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)] ?? "")

/** Of many failures each arrives, or is said to be lost. */
export const unsaid = (fresh: () => Adapter): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const { layer, lost, taken } = fresh()
    if (taken === undefined || lost === undefined) return []
    const numbers = Array.from({ length: storm }, (_, n) => n)
    const all = Effect.forEach(numbers, (n) => report(Failure.withoutStack(() => new Error(`${wordOf(n)} ${mark}`))), {
      discard: true
    })
    yield* within(all, layer)
    const [records, said] = [count(taken()), lost()]
    return records + said < storm ? [`${storm} failures: ${records} records, ${said} said to be lost`] : []
  })
