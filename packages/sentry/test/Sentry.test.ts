import { assert, describe, it } from "@effect/vitest"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Sentry from "@redrive/sentry/Sentry"
import { captureException, type Event as SentryEvent, getCurrentScope, withIsolationScope } from "@sentry/core"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { asyncScopes, clientOf, install, receiver } from "./receiver.ts"

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

describe("a storm of refused calls", () => {
  const refused = (name: string, key: string) => ({
    _tag: "Refused",
    message: `${name} refused a call to ${key}: its breaker is open`,
    [ErrorReporter.severity]: "Warn",
    [Report.call]: { name, key, because: "breaker", engine: "refused" }
  })
  const factsOf = (events: ReadonlyArray<unknown>) =>
    events.map((event) => (event as SentryEvent).contexts?.["failure"])

  it.live("is one event for each upstream, and one that says how many more there were", () =>
    Effect.gen(function* () {
      const storm = Effect.gen(function* () {
        for (let n = 0; n < 3000; n++) yield* report(refused("search", "a.example"))
        yield* report(refused("search", "b.example"))
        yield* report(failing("a"))
      })
      const events = yield* sent(storm, { threshold: "Warn" })
      const facts = factsOf(events)
      assert.deepStrictEqual(
        facts.map((fact) => [fact?.["key"], fact?.["suppressed"]]),
        [
          ["a.example", undefined],
          ["b.example", undefined],
          [undefined, undefined],
          ["a.example", 2998]
        ]
      )
      assert.deepInclude(facts[0], { code: "Refused", call: "search", because: "breaker", host: "a.example" })
      assert.deepInclude(events[3], {
        level: "warning",
        fingerprint: [Report.make(refused("search", "a.example")).fingerprint]
      })
      assert.isEmpty(yield* sent(storm, { threshold: "Fatal" }))
    })
  )

  it.effect("is one event in each minute, which adds up", () =>
    Effect.gen(function* () {
      const { client, events } = yield* receiver
      const program = Effect.gen(function* () {
        for (let n = 0; n < 200; n++) {
          yield* report(refused("search", "a.example"))
          yield* TestClock.adjust("700 millis")
        }
      })
      yield* Effect.provide(program, Sentry.layer({ client, threshold: "Warn" }))
      const suppressed = factsOf(events).map((fact) => Number(fact?.["suppressed"] ?? 0))
      assert.strictEqual(
        suppressed.reduce((sum, one) => sum + one, events.length),
        200
      )
      assert.isAtMost(events.length, 4)
    })
  )
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

  it.live("has its stack on what was thrown, wherever in the chain that is", () =>
    Effect.gen(function* () {
      const deep = new Error("deep")
      const wrapped = new Error("outer", { cause: new AggregateError([deep, new Error("second")], "both") })
      wrapped.stack = "Error: outer"
      const same = new Error("same", { cause: new TypeError("same") })
      const [first, second] = yield* sent(Effect.andThen(report(wrapped), report(same)))
      const traced = (event: unknown) =>
        (event as SentryEvent).exception?.values?.flatMap(({ stacktrace, type, value }) =>
          stacktrace === undefined ? [] : [`${type}: ${value}`]
        )
      assert.deepStrictEqual(traced(first), ["Error: deep"])
      assert.deepStrictEqual(traced(second), ["TypeError: same"])
    })
  )

  it.live("is left out below the threshold, and shows no secret", () =>
    Effect.gen(function* () {
      const quiet = new ItemError.ItemError({
        url: "https://example.com/",
        reason: new ItemError.HostReturnedError({ status: 404 })
      })
      const program = Effect.andThen(report(quiet), report(new Error("my hunter22")))
      const events = yield* sent(Effect.provide(program, Report.layerSecrets(Redacted.make("hunter22"))))
      assert.lengthOf(events, 1)
      assert.notInclude(JSON.stringify(events), "hunter22")
      assert.lengthOf(yield* sent(report(quiet), { threshold: "Info" }), 1)
    })
  )

  const startedAt = "2026-01-01T00:00:00.000Z"
  const attemptOf = (message: string, durationMs = 500) => ({ startedAt, durationMs, message, verdict: "quick retry" })
  const factsOf = (name: string, message: string, durationMs?: number): Report.Call => ({
    name,
    because: "retries",
    history: [attemptOf(message, durationMs)]
  })
  const crumbsOf = (event: unknown) => ((event as SentryEvent).breadcrumbs ?? []).map(({ data }) => data?.call)
  const gaveUp = (name: string, error: unknown) =>
    Observer.tell(() => ({
      _tag: "GaveUp",
      name,
      attempt: 1,
      error,
      because: "retries",
      call: factsOf(name, Report.make(error).message)
    }))

  it.live("brings the attempts that led to it, of its own call only", () =>
    Effect.gen(function* () {
      const failure = failing("a")
      const history = [{ ...attemptOf("it is busy"), delayMs: 1000 }, attemptOf("it is gone")]
      const call = Observer.tell(() => ({
        _tag: "GaveUp",
        name: "page",
        attempt: 2,
        error: failure,
        because: "retries",
        call: { name: "page", because: "retries", history }
      }))
      // The calls run in fibers of their own, and another one reports the failure.
      const program = Effect.all([call, gaveUp("other", failing("b"))], { concurrency: 2 }).pipe(
        Effect.andThen(report(failure))
      )
      const [event] = yield* sent(program)
      const at = Date.parse(startedAt) / 1000 + 0.5
      const crumb = { category: "retry", type: "default", timestamp: at }
      const facts = { call: "page", verdict: "quick retry", duration_ms: 500 }
      assert.deepStrictEqual(event?.breadcrumbs, [
        {
          ...crumb,
          level: "info",
          message: "attempt 1 failed: it is busy",
          data: { ...facts, attempt: 1, delay_ms: 1000 }
        },
        { ...crumb, level: "info", message: "attempt 2 failed: it is gone", data: { ...facts, attempt: 2 } },
        { ...crumb, level: "warning", message: "gave up: retries", data: { call: "page", because: "retries" } }
      ])
    })
  )

  it.live("does not bring what was handled, or what led to another failure of its kind", () =>
    Effect.gen(function* () {
      const [handled, a, b] = [failing("x"), failing("x"), failing("x")]
      const fellBack = { name: "handled", attempt: 1, error: handled, because: "retries" }
      const program = Effect.gen(function* () {
        yield* gaveUp("handled", handled)
        yield* Observer.tell(() => ({ _tag: "FellBack", ...fellBack }))
        yield* gaveUp("not reported", failing("x"))
        yield* Effect.all([gaveUp("call a", a), gaveUp("call b", b)], { concurrency: 2 })
        yield* report(failing("no call's"))
        for (const failure of [a, b, handled]) yield* report(failure)
      })
      const events = yield* sent(program)
      assert.deepStrictEqual(events.map(crumbsOf), [[], ["call a", "call a"], ["call b", "call b"], []])
    })
  )

  it.live("brings those of calls within the call, in the order in which they ended", () =>
    Effect.gen(function* () {
      const failure = failing("a")
      const inner = { _tag: "RetryExhausted", failure, [Report.call]: factsOf("inner", "no", 100) }
      const outer = { _tag: "RetryExhausted", failure: inner, [Report.call]: factsOf("outer", "no", 200) }
      assert.deepStrictEqual((yield* sent(report(outer))).map(crumbsOf), [["inner", "outer", "inner"]])
    })
  )

  it.live("shows no secret in what led to it", () =>
    Effect.gen(function* () {
      const failure = new Error("my hunter22")
      const program = Effect.andThen(gaveUp("call hunter22", failure), report(failure))
      const events = yield* sent(Effect.provide(program, Report.layerSecrets(Redacted.make("hunter22"))))
      assert.lengthOf(crumbsOf(events[0]), 2)
      assert.notInclude(JSON.stringify(events), "hunter22")
    })
  )

  it.live("has the tags and the user of its own request, of two at once, as a native one has", () =>
    Effect.gen(function* () {
      yield* asyncScopes
      const { client, events } = yield* receiver
      yield* install(client)
      const services = yield* Layer.build(Sentry.layer({ client }))
      const request = (id: string) =>
        withIsolationScope(async (isolation) => {
          isolation.setTag("request", id)
          isolation.setUser({ id })
          await new Promise((resolve) => setTimeout(resolve, 10))
          await Effect.runPromiseWith(services)(report(failing(id)))
          captureException(new Error(`native ${id}`))
        })
      yield* Effect.promise(() => Promise.all([request("r1"), request("r2")]))
      yield* Effect.promise(async () => {
        while (events.length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
      })
      const seen = events.map((event) => {
        const { exception, tags, user } = event as SentryEvent
        const message = exception?.values?.at(-1)?.value ?? ""
        return [message.slice(-2), tags?.request, user?.id]
      })
      assert.sameDeepMembers(seen, [
        ["r1", "r1", "r1"],
        ["r1", "r1", "r1"],
        ["r2", "r2", "r2"],
        ["r2", "r2", "r2"]
      ])
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
        const lost: Array<readonly [refused: number, unheard: number]> = []
        const onLost = (...counts: readonly [number, number]) => lost.push(counts)
        const options = { client, flushTimeout: Duration.millis(100), onLost }
        const begun = Date.now()
        const failure = yield* Effect.flip(Effect.provide(program, Sentry.layer(options)))
        assert.strictEqual(failure, "its own")
        assert.isBelow(Date.now() - begun, 1000)
        assert.deepStrictEqual(lost, mood === "hanging" ? [[0, 1]] : [[1, 0]])
      })
    )
  }

  const tenLost = Effect.fnUntraced(function* (options: Sentry.Options) {
    const lost: Array<readonly [refused: number, unheard: number]> = []
    const ten = Effect.forEach(Array.from({ length: 10 }), (_, n) => report(failing(`${n}`)), { discard: true })
    yield* Effect.provide(ten, Sentry.layer({ ...options, onLost: (...counts) => lost.push(counts) }))
    return lost
  })

  it.live("refuses events, which are counted: with an error, with a limit, or because nobody is there", () =>
    Effect.gen(function* () {
      const { be, client, dsn } = yield* receiver
      be("failing")
      assert.deepStrictEqual(yield* tenLost({ client }), [[10, 0]])
      be("busy")
      assert.deepStrictEqual(yield* tenLost({ client }), [[10, 0]])
      // The limit holds for a minute, in which the client sends nothing.
      assert.deepStrictEqual(yield* tenLost({ client }), [[10, 0]])
      be("well")
      assert.isEmpty(yield* tenLost({ client: clientOf(dsn) }))
      assert.deepStrictEqual(yield* tenLost({ client: clientOf("http://public@127.0.0.1:9/1") }), [[10, 0]])
      assert.deepStrictEqual(yield* tenLost({ client: clientOf(dsn, { enabled: false }) }), [[10, 0]])
    })
  )

  it.live("is none that follows the program's own rules", () =>
    Effect.gen(function* () {
      const { dsn, events } = yield* receiver
      assert.isEmpty(yield* tenLost({ client: clientOf(dsn, { beforeSend: () => null }) }))
      assert.isEmpty(yield* tenLost({ client: clientOf(dsn, { sampleRate: 0 }) }))
      assert.isEmpty(events)
    })
  )

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
      yield* Effect.provide(report(failing("b")), Sentry.layer({ onLost: (count) => lost.push(count) }))
      assert.deepStrictEqual(lost, [1, 1])
    })
  )
})
