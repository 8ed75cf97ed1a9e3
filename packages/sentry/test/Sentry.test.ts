import { assert, describe, it } from "@effect/vitest"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Sentry from "@redrive/sentry/Sentry"
import { getCurrentScope } from "@sentry/core"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Redacted from "effect/Redacted"
import { install, receiver } from "./receiver.ts"

const failing = (path: string) =>
  Failure.withoutStack(() => {
    const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
    const reason = new ItemError.InternalError({ detail: "unknown", cause })
    return new ItemError.ItemError({ jobId: "j1", url: `https://u:p@example.com/${path}?token=t`, reason })
  })

const report = (failure: unknown) => ErrorReporter.report(Cause.fail(failure))

/** Runs a program with Sentry, and gives the events that had arrived when it ended. */
const sent = Effect.fnUntraced(function* <A, E>(program: Effect.Effect<A, E>, options: Sentry.Options = {}) {
  const { client, events } = yield* receiver
  yield* Effect.exit(Effect.provide(program, Sentry.layer({ client, ...options })))
  return events
})

describe("a reported failure", () => {
  it.live("is an event with level, tags, contexts and our fingerprint, and no error of ours", () =>
    Effect.gen(function* () {
      const failure = failing("a")
      const [event, ...more] = yield* sent(report(failure))
      assert.isEmpty(more)
      assert.deepInclude(event, {
        level: "error",
        tags: {
          code: "internal_error",
          detail: "unknown",
          error_level: "item",
          actor: "operator",
          host: "example.com"
        },
        fingerprint: [Report.make(failure).fingerprint]
      })
      assert.deepNestedInclude(event, {
        "contexts.failure.job": "j1",
        "contexts.failure.url": "https://example.com/a",
        "exception.values[1].type": "internal_error",
        "exception.values[1].value": "internal_error unknown at https://example.com/a",
        "exception.values[0].type": "Error",
        "exception.values[0].value": "read ECONNRESET"
      })
      assert.notMatch(JSON.stringify(event), /token|u:p/)
    })
  )

  it.live("is sent once, however often it is raised, wrapped and unwrapped", () =>
    Effect.gen(function* () {
      const failure = failing("a")
      const all = [failure, failure, { _tag: "RetryExhausted", failure }, failure.reason]
      assert.lengthOf(yield* sent(Effect.forEach(all, report)), 1)
    })
  )

  it.live("has the frames of its stack, and its trace", () =>
    Effect.gen(function* () {
      const program = Effect.withSpan(ErrorReporter.report(Cause.die(new TypeError("x is no function"))), "s")
      const [event] = yield* sent(program)
      assert.deepNestedInclude(event, { "exception.values[0].type": "TypeError" })
      assert.match(JSON.stringify(event), /"filename":"[^"]*Sentry\.test\.ts"/)
      assert.match(JSON.stringify(event?.contexts), /"trace_id":"[\da-f]{32}"/)
    })
  )

  it.live("is left out below the threshold, and shows no secret", () =>
    Effect.gen(function* () {
      const quiet = new ItemError.ItemError({
        url: "https://example.com/",
        reason: new ItemError.HostReturnedError({ status: 404 })
      })
      const program = Effect.andThen(report(quiet), report(new Error("my hunter22")))
      const events = yield* sent(Effect.provideService(program, Report.Secrets, [Redacted.make("hunter22")]))
      assert.lengthOf(events, 1)
      assert.notInclude(JSON.stringify(events), "hunter22")
      assert.lengthOf(yield* sent(report(quiet), { threshold: "Info" }), 1)
    })
  )

  it.live("brings the retries that led to it, of its own call only", () =>
    Effect.gen(function* () {
      const failure = failing("a")
      const about = { name: "page", attempt: 1, error: failure }
      const call = Effect.gen(function* () {
        yield* Observer.tell(() => ({
          _tag: "RetryScheduled",
          ...about,
          verdict: Verdict.transient("quick"),
          delay: Duration.seconds(1)
        }))
        yield* Observer.tell(() => ({ _tag: "GaveUp", ...about, attempt: 2, because: "retries" }))
      })
      const other = Observer.tell(() => ({ _tag: "Recovered", name: "other", attempt: 2 }))
      // The call runs in a fiber of its own, and is reported by another.
      const program = Effect.all([call, other], { concurrency: 2 }).pipe(Effect.andThen(report(failure)))
      const [event] = yield* sent(program)
      const crumbs = event?.breadcrumbs as ReadonlyArray<{ readonly message: string; readonly data: object }>
      assert.deepStrictEqual(
        crumbs.map(({ data, message }) => ({ message, data })),
        [
          { message: `RetryScheduled: ${failure.message}`, data: { call: "page", attempt: 1, delay_ms: 1000 } },
          { message: `GaveUp: ${failure.message}`, data: { call: "page", attempt: 2, because: "retries" } }
        ]
      )
    })
  )

  it.live("goes to the client that the program has initialised, with what is in Sentry's scope", () =>
    Effect.gen(function* () {
      const { client, events } = yield* receiver
      yield* install(client)
      getCurrentScope().setTag("tenant", "acme")
      yield* Effect.provide(report(failing("a")), Sentry.layer())
      assert.deepNestedInclude(events[0], { "tags.tenant": "acme" })
      getCurrentScope().setTag("tenant", undefined)
    })
  )
})

describe("many failures", () => {
  it.live("of one moment all arrive, though Sentry's buffer would refuse most of them", () =>
    Effect.gen(function* () {
      const numbers = Array.from({ length: 200 }, (_, n) => n)
      const events = yield* sent(Effect.forEach(numbers, (n) => report(failing(`${n}`)), { discard: true }))
      assert.lengthOf(events, 200)
    })
  )

  it.live("beyond the capacity are counted, not kept", () =>
    Effect.gen(function* () {
      const numbers = Array.from({ length: 50 }, (_, n) => n)
      const program = Effect.forEach(numbers, (n) => report(failing(`${n}`)), { discard: true })
      const lost: Array<number> = []
      const events = yield* sent(program, { capacity: 10, onLost: (count) => lost.push(count) })
      assert.isAbove(lost[0] ?? 0, 0)
      assert.strictEqual(events.length + (lost[0] ?? 0), 50)
    })
  )
})

describe("a Sentry in trouble", () => {
  for (const mood of ["failing", "hanging"] as const) {
    it.live(`never changes what the program does, or how long it takes: ${mood}`, () =>
      Effect.gen(function* () {
        const { be, client } = yield* receiver
        be(mood)
        const program = Effect.andThen(report(failing("a")), Effect.fail("its own" as const))
        const late: Array<boolean> = []
        const onLost = (_: number, isLate: boolean) => late.push(isLate)
        const options = { client, flushWithin: Duration.millis(100), onLost }
        const begun = Date.now()
        const failure = yield* Effect.flip(Effect.provide(program, Sentry.layer(options)))
        assert.strictEqual(failure, "its own")
        assert.isBelow(Date.now() - begun, 1000)
        assert.deepStrictEqual(late, mood === "hanging" ? [true] : [])
      })
    )
  }

  it.live("that throws, or is not there, is no reason to fail", () =>
    Effect.gen(function* () {
      const { client } = yield* receiver
      client.captureEvent = () => {
        throw new Error("no")
      }
      const lost: Array<number> = []
      yield* Effect.provide(report(failing("a")), Sentry.layer({ client, onLost: (count) => lost.push(count) }))
      assert.deepStrictEqual(lost, [1])
      getCurrentScope().setClient(undefined)
      yield* Effect.provide(report(failing("b")), Sentry.layer())
    })
  )
})
