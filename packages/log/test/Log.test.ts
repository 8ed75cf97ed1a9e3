import { assert, describe, it } from "@effect/vitest"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Log from "@redrive/log/Log"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type * as Tracer from "effect/Tracer"

/** A stream that keeps its lines. */
const memory = (isTTY = false) => {
  const lines: Array<string> = []
  return { lines, stream: { isTTY, write: (text: string) => lines.push(text) } }
}

const logged = Effect.fnUntraced(function* <A, E>(
  program: Effect.Effect<A, E>,
  { isTTY, ...options }: Omit<Log.Options, "stream"> & { readonly isTTY?: boolean } = {}
) {
  const { lines, stream } = memory(isTTY)
  yield* TestClock.setTime(Date.UTC(2026, 10, 24, 1, 2, 3, 456))
  yield* Effect.exit(Effect.provide(program, Log.layer({ ...options, stream })))
  return lines
})

const notFound = (url = "https://user:pass@example.com/a?token=secret") =>
  new ItemError.ItemError({ jobId: "j1", itemId: "i1", url, reason: new ItemError.HostReturnedError({ status: 404 }) })

// Without stacks, which differ from one machine to another.
const reset = Failure.withoutStack(() => {
  const cause = new Error("fetch failed", {
    cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
  })
  const reason = new ItemError.InternalError({ detail: "unknown", cause })
  return new ItemError.ItemError({ url: "https://example.com/", reason })
})

const report = (...failures: ReadonlyArray<unknown>) =>
  Effect.forEach(failures, (failure) => ErrorReporter.report(Cause.fail(failure)), { discard: true })

describe("a reported failure", () => {
  it.effect("is one JSON line where nobody looks", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* logged(report(notFound())), [
        '{"timestamp":"2026-11-24T01:02:03.456Z","level":"info","message":"host_returned_error not_found 404 at https://example.com/a",' +
          '"error_level":"item","code":"host_returned_error","detail":"not_found","actor":"nobody","job":"j1","item":"i1",' +
          '"url":"https://example.com/a","host":"example.com","fingerprint":"62a710eec6b0f974","status":404}\n'
      ])
    })
  )

  it.effect("is a readable line on a terminal, with its causes below", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* logged(report(notFound(), reset), { format: "pretty" }), [
        "01:02:03.456 INFO  host_returned_error not_found 404 at https://example.com/a actor=nobody job=j1\n",
        "01:02:03.456 ERROR internal_error unknown at https://example.com/ actor=operator\n" +
          "                   └─ Error: fetch failed\n" +
          "                      └─ Error: read ECONNRESET\n"
      ])
    })
  )

  it.effect("is logged once, however often it is raised, wrapped and unwrapped", () =>
    Effect.gen(function* () {
      const failure = notFound()
      const exhausted = { _tag: "RetryExhausted", failure }
      assert.lengthOf(yield* logged(report(failure, failure, exhausted, failure.reason)), 1)
    })
  )

  it.effect("and another of the same class are two lines", () =>
    Effect.gen(function* () {
      assert.lengthOf(yield* logged(report(notFound(), notFound())), 2)
    })
  )

  it.effect("is logged at the level of its severity, if that is loud enough", () =>
    Effect.gen(function* () {
      const program = report(notFound(), reset)
      const quiet = Effect.provideService(program, References.MinimumLogLevel, "Warn")
      assert.deepStrictEqual(
        (yield* logged(quiet)).map((line) => JSON.parse(line).level),
        ["error"]
      )
    })
  )

  it.effect("that is a defect is logged with its stack; an interrupt and an ignored error are not", () =>
    Effect.gen(function* () {
      const ignored = Object.assign(new Error("ignored"), { [ErrorReporter.ignore]: true })
      const lines = yield* logged(
        Effect.all([
          ErrorReporter.report(Cause.die(new TypeError("x is not a function"))),
          ErrorReporter.report(Cause.interrupt(1)),
          ErrorReporter.report(Cause.fail(ignored))
        ])
      )
      assert.lengthOf(lines, 1)
      const line = JSON.parse(lines[0] ?? "")
      assert.deepInclude(line, {
        level: "error",
        message: "x is not a function",
        code: "TypeError",
        error_level: "program"
      })
      assert.match(line.stack, /TypeError: x is not a function\n +at /)
    })
  )

  it.effect("shows no credentials and no query", () =>
    Effect.gen(function* () {
      for (const format of ["json", "pretty"] as const) {
        assert.notMatch((yield* logged(report(notFound()), { format })).join(""), /user|pass|token|secret/)
      }
    })
  )

  it.effect("reaches loggers that stand beside", () =>
    Effect.gen(function* () {
      const messages: Array<unknown> = []
      const other = Logger.layer([Logger.make(({ message }) => messages.push(message))], { mergeWithExisting: true })
      const { stream } = memory()
      yield* Effect.provide(report(notFound()), other.pipe(Layer.provideMerge(Log.layer({ stream }))))
      assert.lengthOf(messages, 1)
    })
  )
})

describe("an event of the retry engine", () => {
  const events: ReadonlyArray<Observer.Event> = [
    {
      _tag: "RetryScheduled",
      name: "page",
      attempt: 1,
      error: notFound(),
      verdict: Verdict.transient("quick"),
      delay: Duration.millis(1234.567)
    },
    { _tag: "Recovered", name: "page", attempt: 2 },
    { _tag: "GaveUp", name: "page", attempt: 3, error: notFound(), because: "retries" },
    { _tag: "Redriven", name: "crawl", attempt: 2, items: 7, delay: Duration.seconds(2) }
  ]

  it.effect("is a line: attempts and giving up for debugging, recoveries and rounds to know", () =>
    Effect.gen(function* () {
      const program = Effect.provideService(
        Effect.forEach(events, (event) => Observer.tell(() => event)),
        References.MinimumLogLevel,
        "Debug"
      )
      const lines = yield* logged(program)
      assert.deepStrictEqual(
        lines.map((line) => JSON.parse(line)).map(({ level, message }) => [level, message]),
        [
          ["debug", "attempt 1 failed, again in 1s 235ms: host_returned_error not_found 404 at https://example.com/a"],
          ["info", "page succeeded on attempt 2"],
          ["debug", "gave up after attempt 3 (retries): host_returned_error not_found 404 at https://example.com/a"],
          ["info", "round 2: 7 again in 2s"],
          [
            "warn",
            "page was given up (retries), and the program went on: host_returned_error not_found 404 at https://example.com/a"
          ]
        ]
      )
    })
  )

  it.effect("is quiet by default where it is only for debugging", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Effect.forEach(events, (event) => Observer.tell(() => event)))
      assert.deepStrictEqual(
        lines.map((line) => JSON.parse(line).level),
        ["info", "info", "warn"]
      )
    })
  )
})

describe("a log record", () => {
  it.effect("carries objects, annotations, spans and its cause as fields", () =>
    Effect.gen(function* () {
      const program = Effect.logError("page", 7, { size: 10n }, Cause.fail("late")).pipe(
        Effect.annotateLogs({ job: "j1" }),
        Effect.withLogSpan("crawl")
      )
      const [line] = yield* logged(program)
      assert.deepStrictEqual(JSON.parse(line ?? ""), {
        timestamp: "2026-11-24T01:02:03.456Z",
        level: "error",
        message: "page 7",
        error: "late",
        error_level: "program",
        code: "string",
        actor: "operator",
        fingerprint: "b238355878d5ddae",
        job: "j1",
        size: "10",
        spans_ms: { crawl: 0 }
      })
    })
  )

  it.effect("cannot move a terminal's cursor or forge a line", () =>
    Effect.gen(function* () {
      const evil = "a\u001B[2Jb\u009B1mc\n01:02:03.456 INFO forged\u2028d\rover \u202Eback \u2066iso"
      const program = Effect.log(evil, { [evil]: evil }).pipe(
        Effect.annotateLogs({ [evil]: evil }),
        Effect.withLogSpan(evil)
      )
      for (const format of ["json", "pretty"] as const) {
        const [written = "", ...more] = yield* logged(program, { format })
        assert.isEmpty(more)
        const [first = "", ...below] = written.slice(0, -1).split("\n")
        // Only the message's own line breaks are any, and what follows one stands to the right.
        for (const line of below) assert.isTrue(format === "pretty" && line.startsWith(" ".repeat(19)))
        // oxlint-disable-next-line no-control-regex
        const moves = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/
        for (const line of [first, ...below]) assert.notMatch(line, moves)
      }
    })
  )

  it.effect("keeps its readable fields where one is not", () =>
    Effect.gen(function* () {
      const hostile = {
        get size() {
          throw new Error("no")
        }
      }
      const cycle: Record<string, unknown> = {}
      cycle.self = cycle
      const [line] = yield* logged(Effect.log("x", { hostile, cycle, fine: 1 }))
      assert.deepInclude(JSON.parse(line ?? ""), {
        message: "x",
        hostile: { size: "unreadable" },
        cycle: { self: "circular" },
        fine: 1
      })
    })
  )

  it.effect("loses no field to a name that the line has already", () =>
    Effect.gen(function* () {
      const [line] = yield* logged(Effect.log("x", { level: 5, message: "y", timestamp: 0 }))
      assert.deepInclude(JSON.parse(line ?? ""), { level: "info", level_: 5, message_: "y", timestamp_: 0 })
    })
  )

  it.effect("knows its trace and its span", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const program = Effect.andThen(
        Effect.tap(Effect.currentSpan, (span) => Effect.sync(() => spans.push(span))),
        Effect.log("x")
      )
      const [line] = yield* logged(Effect.withSpan(program, "crawl"))
      const [span] = spans
      assert.deepInclude(JSON.parse(line ?? ""), { trace_id: span?.traceId, span_id: span?.spanId })
    })
  )

  it.effect("carries an error and all that it was caused by, and shows no secret that it was told of", () =>
    Effect.gen(function* () {
      const secret = Redacted.make("hunter22")
      const error = new Error("no luck with hunter22", { cause: reset })
      const program = Effect.logError("page", error, { note: "hunter22", password: "other" })
      const [line = ""] = yield* logged(Effect.provide(program, Report.layerSecrets(secret)))
      const read = JSON.parse(line)
      assert.strictEqual(read.message, "page Error: no luck with <redacted>")
      assert.deepStrictEqual(
        read.causes.map(({ message }: { readonly message: string }) => message),
        [reset.message, reset.reason.message, "fetch failed", "read ECONNRESET"]
      )
      assert.deepInclude(read, { note: "<redacted>", password: "<redacted>" })
      assert.notInclude(line, "hunter22")
    })
  )

  it.effect("is written whatever it is made of, and stays small", () =>
    Effect.gen(function* () {
      let deep = new Error("deepest")
      for (let depth = 0; depth < 10_000; depth++) deep = new Error("deep", { cause: deep })
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      const throwing = new Error("x")
      Object.defineProperty(throwing, "message", {
        get: () => {
          throw new Error("no")
        }
      })
      const hostile = [
        "m".repeat(10_000_000),
        deep,
        proxy,
        throwing,
        Symbol("s"),
        1n,
        new Date(NaN),
        "\uD800",
        () => 1,
        NaN
      ]
      for (const format of ["json", "pretty"] as const) {
        for (const value of hostile) {
          // Effect itself does not survive a revoked proxy as a part of a message.
          const program = Effect.logError("x", { value }, value === proxy ? "y" : value, Cause.fail(value))
          const lines = yield* logged(program, { format })
          assert.lengthOf(lines, 1)
          assert.isBelow(lines[0]?.length ?? Infinity, 20_000)
          if (format === "json") assert.strictEqual(JSON.parse(lines[0] ?? "").level, "error")
        }
      }
    })
  )

  it.effect("is coloured on a terminal, unless it shall not be", () =>
    Effect.gen(function* () {
      const coloured = (options: Parameters<typeof logged>[1]) =>
        Effect.map(logged(Effect.logWarning("x"), options), ([line]) => line?.includes("\u001B[") === true)
      assert.isTrue(yield* coloured({ isTTY: true, colors: true }))
      assert.isFalse(yield* coloured({ isTTY: true, colors: false }))
      assert.isFalse(yield* coloured({ format: "pretty" }))
      const before = process.env.NO_COLOR
      process.env.NO_COLOR = "1"
      assert.isFalse(yield* coloured({ isTTY: true }))
      delete process.env.NO_COLOR
      assert.isTrue(yield* coloured({ isTTY: true }))
      if (before !== undefined) process.env.NO_COLOR = before
    })
  )
})

describe("a stream that throws", () => {
  const stream = {
    write: () => {
      throw new Error("EPIPE")
    }
  }

  const programs: ReadonlyArray<readonly [what: string, program: Effect.Effect<number, string>]> = [
    ["succeeds", Effect.as(Effect.log("x"), 1)],
    ["fails", Effect.andThen(Effect.logError("x"), Effect.fail("no"))],
    ["dies", Effect.andThen(Effect.log("x"), Effect.die("no"))],
    ["reports", Effect.as(report(notFound()), 2)],
    [
      "tells",
      Effect.as(
        Observer.tell(() => ({ _tag: "Recovered", name: "x", attempt: 2 })),
        3
      )
    ]
  ]
  for (const [what, program] of programs) {
    it.effect(`never changes the exit of a program that ${what}`, () =>
      Effect.gen(function* () {
        const bare = yield* Effect.exit(Effect.provide(program, Logger.layer([])))
        const observed = yield* Effect.exit(Effect.provide(program, Log.layer({ stream, onLost: () => undefined })))
        assert.deepStrictEqual(Exit.map(observed, String), Exit.map(bare, String))
      })
    )
  }

  it.effect.prop(
    "never changes an exit, whatever is logged and raised",
    { message: Schema.Json, failure: Schema.Json },
    ({ failure, message }) =>
      Effect.gen(function* () {
        const program = Effect.andThen(Effect.logError(message), Effect.andThen(report(failure), Effect.fail(failure)))
        const observed = yield* Effect.exit(Effect.provide(program, Log.layer({ stream, onLost: () => undefined })))
        assert.deepStrictEqual(observed, Exit.fail(failure))
      })
  )
})
