import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

/** Runs a program under an observer, and gives what that heard. */
const heardOf = <A, E>(program: Effect.Effect<A, E>) => {
  const events: Array<Observer.Event> = []
  const reports: Array<Report.Report> = []
  const observer = Observer.layer({
    event: (event) => void events.push(event),
    report: (report) => void reports.push(report)
  })
  return Effect.map(Effect.exit(Effect.provide(program, observer)), (exit) => ({
    exit,
    events,
    tags: events.map(({ _tag, key, name }) => [_tag, name, key]),
    reports: reports.map(({ attributes: { because, call, key }, message }) => [message, call, key, because])
  }))
}

const full = () => new Error("the disk is full")
const watched = Observer.watch("save", { key: "a" })

describe("a watched effect's failure", () => {
  const wrappings = [
    ["alone", watched],
    [
      "with error reporting around it",
      (self: Effect.Effect<never, unknown>) => Effect.withErrorReporting(watched(self))
    ],
    ["watched twice", (self: Effect.Effect<never, unknown>) => Observer.watch(watched(self), "outer")],
    ["data first", (self: Effect.Effect<never, unknown>) => Observer.watch(self, "save", { key: "a" })]
  ] as const
  for (const [how, wrap] of wrappings) {
    it.effect(`is told and reported once, ${how}`, () =>
      Effect.gen(function* () {
        const error = full()
        const { exit, events, reports } = yield* heardOf(wrap(Effect.fail(error)))
        assert.deepStrictEqual(exit, Exit.fail(error))
        assert.deepStrictEqual(events, [
          { _tag: "GaveUp", name: "save", key: "a", attempt: 1, error, because: "failed" }
        ])
        assert.deepStrictEqual(reports, [["the disk is full", "save", "a", "failed"]])
      })
    )

    it.effect(`that is a text has its name, too, ${how}`, () =>
      Effect.gen(function* () {
        const { reports, tags } = yield* heardOf(wrap(Effect.fail("no space")))
        assert.deepStrictEqual(tags, [["GaveUp", "save", "a"]])
        assert.deepStrictEqual(reports, [["no space", "save", "a", "failed"]])
      })
    )

    it.effect(`that is a defect is one, ${how}`, () =>
      Effect.gen(function* () {
        const { exit, reports, tags } = yield* heardOf(wrap(Effect.die(full())))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.deepStrictEqual(tags, [["GaveUp", "save", "a"]])
        assert.deepStrictEqual(reports, [["the disk is full", "save", "a", "defect"]])
      })
    )
  }

  it.effect("is none if it is an interruption, or is not to be reported", () =>
    Effect.gen(function* () {
      const ignored = Object.assign(full(), { [ErrorReporter.ignore]: true as const })
      const { events, reports } = yield* heardOf(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(watched(Effect.never))
          yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          yield* Effect.ignore(watched(Effect.fail(ignored)))
        })
      )
      assert.deepStrictEqual([events, reports], [[], []])
    })
  )

  it.effect("is told of each effect that fails together with others", () =>
    Effect.gen(function* () {
      const causes: ReadonlyArray<Cause.Cause<unknown>> = [
        Cause.fail("one"),
        Cause.fail(full()),
        Cause.die(new Error("two"))
      ]
      const { reports } = yield* heardOf(
        watched(Effect.failCause(causes.reduce((one, other) => Cause.combine(one, other))))
      )
      assert.deepStrictEqual(reports, [
        ["one", "save", "a", "defect"],
        ["the disk is full", "save", "a", "defect"],
        ["two", "save", "a", "defect"]
      ])
    })
  )

  it.effect("is its own when it wraps one that another effect was watched for", () =>
    Effect.gen(function* () {
      const program = watched(Effect.fail(full())).pipe(
        Effect.mapError((cause): unknown => new Error("the job failed", { cause })),
        Observer.watch("job")
      )
      assert.deepStrictEqual((yield* heardOf(program)).reports, [
        ["the disk is full", "save", "a", "failed"],
        ["the job failed", "job", undefined, "failed"]
      ])
    })
  )

  it.effect("keeps the call that a retry engine gave up", () =>
    Effect.gen(function* () {
      const error = full()
      const engine = Effect.andThen(
        Observer.tell(() => ({ _tag: "GaveUp", name: "write", key: "b", attempt: 3, error, because: "retries" })),
        Effect.fail(error)
      )
      const { reports, tags } = yield* heardOf(watched(engine))
      assert.deepStrictEqual(tags, [["GaveUp", "write", "b"]])
      // The event has no `call`: its name, key and reason are enough.
      assert.deepStrictEqual(reports, [["the disk is full", "write", "b", "retries"]])
    })
  )

  it.effect("is left to a call that retries, and reported once if that call ends with it", () =>
    Effect.gen(function* () {
      const outer = { running: 1, retries: true }
      const inner = (error: unknown) =>
        Effect.ignoreCause(Effect.provideService(watched(Effect.fail(error)), Observer.OuterCall, outer))
      const gaveUp = (error: unknown) =>
        Effect.provideService(
          Observer.tell(() => ({ _tag: "GaveUp", name: "call", attempt: 2, error, because: "retries" })),
          Observer.OuterCall,
          outer
        )
      const [first, second] = [full(), full()]
      const left = yield* heardOf(Effect.andThen(inner(first), inner(second)))
      assert.deepStrictEqual([left.events, left.reports], [[], []])
      const ended = yield* heardOf(
        Effect.gen(function* () {
          const wrapped = new Error("it did not work", { cause: second })
          yield* gaveUp(wrapped)
          yield* Effect.ignore(Effect.withErrorReporting(Effect.fail(wrapped)))
          // Other calls have no part in it, even if they end with the same object later.
          yield* gaveUp(full())
          yield* TestClock.adjust("2 seconds")
          yield* gaveUp(second)
        })
      )
      assert.deepStrictEqual(ended.reports, [["it did not work", "save", "a", "retries"]])
      // A fiber that outlives the call has nobody to leave it to.
      outer.running = 0
      const late = yield* heardOf(inner(full()))
      assert.deepStrictEqual(late.reports, [["the disk is full", "save", "a", "failed"]])
      // With many observers in a process they are found in another way.
      const others = Array.from({ length: 40 }, () => Observer.layer({ event: () => undefined }))
      yield* Effect.scoped(
        Effect.gen(function* () {
          for (const one of others) yield* Layer.build(one)
          const among = yield* heardOf(inner(full()))
          assert.deepStrictEqual(among.reports, late.reports)
        })
      )
    })
  )

  it.effect("is reported though a reporter throws, and the exit stays the same", () =>
    Effect.gen(function* () {
      const thrower: ErrorReporter.ErrorReporter = {
        [ErrorReporter.TypeId]: ErrorReporter.TypeId,
        report: () => {
          throw new Error("broken")
        }
      }
      const exit = yield* watched(Effect.fail("no")).pipe(
        Effect.provide(Layer.mergeAll(ErrorReporter.layer([thrower]))),
        Effect.exit
      )
      assert.deepStrictEqual(exit, Exit.fail("no"))
    })
  )

  it.effect("of the same object is new after a second", () =>
    Effect.gen(function* () {
      const error = new ItemError.ItemError({
        url: "https://a.example/",
        reason: new ItemError.HostReturnedError({ status: 503 })
      })
      const run = Effect.ignore(watched(Effect.fail(error)))
      const { reports } = yield* heardOf(
        Effect.andThen(Effect.andThen(run, run), Effect.andThen(TestClock.adjust("2 seconds"), run))
      )
      assert.lengthOf(reports, 2)
    })
  )
})

describe("a watched effect's success", () => {
  it.effect("is told only while somebody expects it, and only that of its name and key", () =>
    Effect.gen(function* () {
      const works = Effect.all([
        watched(Effect.succeed(1)),
        Observer.watch(Effect.succeed(2), "save"),
        Observer.watch(Effect.succeed(3), "save", { key: "b" })
      ])
      const quiet = yield* heardOf(works)
      assert.deepStrictEqual([quiet.exit, quiet.events], [Exit.succeed([1, 2, 3]), []])
      const stop = Observer.expectSuccess("save", "a")
      const expected = yield* heardOf(works)
      stop()
      assert.deepStrictEqual(expected.events, [{ _tag: "Succeeded", name: "save", key: "a", attempt: 1 }])
      const stopAlone = Observer.expectSuccess("save", "")
      const alone = yield* heardOf(works)
      stopAlone()
      assert.deepStrictEqual(alone.events, [{ _tag: "Succeeded", name: "save", attempt: 1 }])
    })
  )
})
