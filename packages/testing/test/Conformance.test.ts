import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Conformance from "@redrive/testing/Conformance"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { hostile } from "../src/internal/hostile.ts"

const reporting = (reporter: ErrorReporter.ErrorReporter) =>
  ErrorReporter.layer([reporter], { mergeWithExisting: true })
const logging = (log: (logged: Logger.Options<unknown>) => void) =>
  Logger.layer([Logger.make(log)], { mergeWithExisting: true })
const throws = (): never => {
  throw new Error("no")
}

/** An adapter that holds to the contract: its sink takes each failure as a text. */
const sound = (most = Infinity): Conformance.Adapter => {
  const taken: Array<string> = []
  let [room, lost] = [most, 0]
  const layer = Observer.layer({
    report: ({ message }) => {
      if (room-- > 0) taken.push(message)
      else lost++
    }
  })
  return { layer, taken: () => taken.splice(0), lost: () => lost }
}

/** An adapter that does something with all it is told, through one ear. */
const hearing = {
  reports: (keep: (value: unknown) => void) => reporting(ErrorReporter.make(({ cause }) => keep(cause))),
  messages: (keep: (value: unknown) => void) => Observer.layer({ report: ({ message }) => keep(message) }),
  records: (keep: (value: unknown) => void) => logging(({ message }) => keep(message)),
  events: (keep: (value: unknown) => void) => Observer.layer({ event: (event) => keep(event) })
}

/** Keeps all that it is told. */
const hoarding = (ear: (keep: (value: unknown) => void) => Layer.Layer<never>) => () => {
  const kept: Array<unknown> = []
  return ear((value) => kept.push(value))
}

/** Changes how a program ends, by a reporter that throws: in Effect 4.1 that takes the place of what the program failed with. */
const replacing = () => reporting({ [ErrorReporter.TypeId]: ErrorReporter.TypeId, report: throws })

/** Dies when its program does, which takes the place of the program's defect. */
const replacingDefects = () =>
  Layer.effectDiscard(
    Effect.addFinalizer((exit) =>
      Exit.isFailure(exit) && exit.cause.reasons.some(({ _tag }) => _tag === "Die")
        ? Effect.die(new Error("the adapter's"))
        : Effect.void
    )
  )

/** Makes records of its own of each failure, so often as it is raised. */
const repeating = (): Conformance.Adapter => {
  const taken: Array<string> = []
  const reporter = ErrorReporter.make(({ error }) => void taken.push(Report.make(error).message + String(error)))
  return { layer: reporting(reporter), taken: () => taken.splice(0) }
}

const leaking = (ear: "failure" | "log" | "event"): Conformance.Adapter => {
  const taken: Array<string> = []
  const layers = {
    failure: Observer.layer({ report: (_, { failure }) => void taken.push(Report.make(failure).message) }),
    log: logging(({ message }) => void taken.push(String(message))),
    event: Observer.layer({ event: (event) => void taken.push(event.name) })
  }
  return { layer: layers[ear], taken: () => taken.splice(0) }
}

const stuck = (hold: Effect.Effect<unknown>) => () =>
  Layer.effectDiscard(Effect.addFinalizer(() => Effect.asVoid(hold)))

const mute = (): Conformance.Adapter => ({ ...sound(100), lost: () => 0 })
const swallowing = (): Conformance.Adapter => ({ layer: Layer.empty, taken: () => [], lost: () => 0 })

const violations = (adapter: () => Conformance.Adapter | Layer.Layer<never>) =>
  Effect.map(Conformance.violations(adapter), (found) => found.join("\n"))

describe("an adapter that breaks the contract is found out", () => {
  it.live.each([
    ["throws in a logger", () => logging(throws), /^a program that succeeds: exit/],
    ["throws in a reporter", replacing, /^a program that succeeds: exit/],
    ["changes a defect", replacingDefects, /^a program that dies: exit: .*the adapter's/],
    ["hoards causes", hoarding(hearing.reports), /^memory: 400 more failures take \d+\.\d MB$/m],
    ["hoards messages", hoarding(hearing.messages), /^memory: 400 more failures take \d+\.\d MB$/],
    ["hoards records", hoarding(hearing.records), /^memory: 400 more logs take \d+\.\d MB$/],
    ["hoards events", hoarding(hearing.events), /^memory: 400 more events take \d+\.\d MB$/],
    ["writes one failure twice", repeating, /^a failure that is raised four times: \d records$/m],
    ["leaks a secret in a failure", () => leaking("failure"), /^a known secret: arrives: .*hunter2/m],
    ["leaks a secret in a log", () => leaking("log"), /^a known secret: arrives: .*hunter2/m],
    ["leaks a secret of an event", () => leaking("event"), /^a known secret: arrives: .*hunter2/m],
    ["does not say what it dropped", mute, /^a storm: 1200 failures: 100 records, 0 said to be lost$/],
    ["drops everything, and says nothing", swallowing, /no record, and none is said to be lost$/m]
  ] as const)("if it %s", ([, adapter, expected]) =>
    Effect.gen(function* () {
      assert.match(yield* violations(adapter), expected)
    })
  )

  it.live.each([
    ["cannot be interrupted", Effect.uninterruptible(Effect.never)],
    ["never settles", Effect.never]
  ] as const)("if its end %s, and that is found out in time", ([, hold]) =>
    Effect.gen(function* () {
      const begun = Date.now()
      const found = yield* Conformance.violations(stuck(hold), { closesWithin: Duration.millis(300) })
      assert.deepStrictEqual(found, ["a program that succeeds: its scope does not close"])
      assert.isBelow(Date.now() - begun, 1000)
    })
  )
})

describe("an adapter that holds to the contract", () => {
  it.live("has no violation, with a sink that takes everything or little", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* violations(sound), "")
      assert.strictEqual(yield* violations(() => sound(10)), "")
      assert.strictEqual(yield* violations(() => Layer.empty), "")
    })
  )

  it("meets values that do not want to be read for each number of a step", () => {
    assert.isAtMost(hostile().length, 21)
    assert.isAtLeast(hostile().length, 20)
  })
})
