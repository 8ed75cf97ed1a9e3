import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Recorder from "@redrive/testing/Recorder"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"

const failure = () =>
  new ItemError.ItemError({
    itemId: "7",
    url: "https://user:secret@example.com/page?token=secret",
    reason: new ItemError.HostReturnedError({ status: 503, cause: new Error("no room") })
  })

const scheduled: Observer.Event = {
  _tag: "RetryScheduled",
  name: "fetch",
  attempt: 1,
  error: failure(),
  verdict: Verdict.throttled(),
  delay: Duration.seconds(2)
}

const recovered: Observer.Event = { _tag: "Recovered", name: "fetch", attempt: 2 }

const report = (error: unknown) => Effect.exit(Effect.withErrorReporting(Effect.fail(error)))

describe("events", () => {
  it.effect("are recorded in order, as they were told", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.Recorder
      assert.deepStrictEqual(yield* recorder.events, [])
      yield* Observer.tell(() => scheduled)
      yield* Observer.tell(() => recovered)
      assert.deepStrictEqual(yield* recorder.events, [scheduled, recovered])
    }).pipe(Effect.provide(Recorder.layer))
  )

  it.effect("still reach who listened before", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const recorder = yield* Effect.gen(function* () {
        yield* Observer.tell(() => recovered)
        return yield* Recorder.Recorder
      }).pipe(
        Effect.provide(
          Layer.provideMerge(Recorder.layer, Observer.layer({ event: ({ _tag }) => void heard.push(_tag) }))
        )
      )
      assert.deepStrictEqual(heard, ["Recovered"])
      assert.deepStrictEqual(yield* recorder.events, [recovered])
    })
  )

  it.effect("of fibers that do not have the recorder are not recorded", () =>
    Effect.gen(function* () {
      const recorder = yield* Effect.provide(Recorder.Recorder, Recorder.layer)
      yield* Observer.tell(() => recovered)
      yield* report(failure())
      assert.deepStrictEqual(yield* recorder.events, [])
      assert.deepStrictEqual(yield* recorder.reports, [])
    })
  )
})

describe("reports", () => {
  it.effect("are made from the error itself, complete and redacted", () =>
    Effect.gen(function* () {
      const { reports } = yield* Recorder.Recorder
      yield* report(failure())
      const [made, ...more] = yield* reports
      assert.strictEqual(more.length, 0)
      assert.deepInclude(made, {
        level: "item",
        code: "host_returned_error",
        detail: "unavailable",
        itemId: "7",
        url: "https://example.com/page",
        causes: [{ name: "Error", message: "no room", depth: 0 }]
      })
    }).pipe(Effect.provide(Recorder.layer))
  )

  it.effect("see through what wraps a failure", () =>
    Effect.gen(function* () {
      const { reports } = yield* Recorder.Recorder
      yield* report({ _tag: "RetryExhausted", failure: failure() })
      yield* report(failure())
      const [wrapped, bare] = yield* reports
      assert.deepStrictEqual(wrapped, bare)
      assert.strictEqual(wrapped?.code, "host_returned_error")
    }).pipe(Effect.provide(Recorder.layer))
  )

  it.effect("are made of defects and of values that are no errors", () =>
    Effect.gen(function* () {
      const { reports } = yield* Recorder.Recorder
      yield* report("only text")
      yield* Effect.exit(Effect.withErrorReporting(Effect.die(new TypeError("no such thing"))))
      assert.deepStrictEqual(
        (yield* reports).map(({ code, level, message }) => [level, code, message]),
        [
          ["program", "string", "only text"],
          ["program", "TypeError", "no such thing"]
        ]
      )
    }).pipe(Effect.provide(Recorder.layer))
  )

  it.effect("are not made of interrupts, nor of errors that ask to be ignored", () =>
    Effect.gen(function* () {
      const { reports } = yield* Recorder.Recorder
      yield* Effect.exit(Effect.withErrorReporting(Effect.interrupt))
      yield* report(Object.assign(new Error("expected"), { [ErrorReporter.ignore]: true }))
      assert.deepStrictEqual(yield* reports, [])
      yield* ErrorReporter.report(Cause.combine(Cause.interrupt(1), Cause.fail(new Error("beside an interrupt"))))
      assert.deepStrictEqual(
        (yield* reports).map(({ message }) => message),
        ["beside an interrupt"]
      )
    }).pipe(Effect.provide(Recorder.layer))
  )

  it.effect("are made once of an error that passes several boundaries", () =>
    Effect.gen(function* () {
      const { reports } = yield* Recorder.Recorder
      const error = failure()
      yield* Effect.exit(Effect.withErrorReporting(Effect.withErrorReporting(Effect.fail(error))))
      yield* report(error)
      assert.strictEqual((yield* reports).length, 1)
    }).pipe(Effect.provide(Recorder.layer))
  )

  it.effect("are what Effect's own reporter would be told, and it is told too", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const own = ErrorReporter.layer([ErrorReporter.make(({ error }) => void told.push(error.message))])
      const error = new Error("again")
      const messages = yield* Effect.gen(function* () {
        const { reports } = yield* Recorder.Recorder
        const both = Cause.combine<unknown, never>(Cause.fail(error), Cause.die(new Error("other")))
        const text = Cause.fail("text")
        for (const cause of [both, both, Cause.fail(error), text, text, Cause.fail("text"), Cause.interrupt(1)])
          yield* ErrorReporter.report<unknown>(cause)
        return (yield* reports).map(({ message }) => message)
      }).pipe(Effect.provide(Layer.provideMerge(Recorder.layer, own)))
      assert.deepStrictEqual(messages, ["again", "other", "text", "text"])
      assert.deepStrictEqual(told, messages)
    })
  )
})

describe("a recorder", () => {
  it.effect("forgets events and reports when it is cleared", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.Recorder
      const error = failure()
      yield* Observer.tell(() => recovered)
      yield* report(error)
      yield* recorder.clear
      assert.deepStrictEqual([yield* recorder.events, yield* recorder.reports], [[], []])
      yield* report(failure())
      assert.strictEqual((yield* recorder.reports).length, 1)
    }).pipe(Effect.provide(Recorder.layer))
  )

  it.effect("that is made by hand hears what it is installed for", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make
      yield* Effect.andThen(
        Observer.tell(() => recovered),
        report(failure())
      ).pipe(Effect.provide(Observer.layer(recorder.observer)))
      assert.strictEqual((yield* recorder.events).length, 1)
      assert.strictEqual((yield* recorder.reports).length, 1)
    })
  )

  it.effect("shares nothing with another one", () =>
    Effect.gen(function* () {
      const one = yield* Recorder.make
      const other = yield* Recorder.make
      yield* Effect.provide(
        Observer.tell(() => recovered),
        Observer.layer(one.observer)
      )
      assert.strictEqual((yield* one.events).length, 1)
      assert.deepStrictEqual(yield* other.events, [])
    })
  )
})
