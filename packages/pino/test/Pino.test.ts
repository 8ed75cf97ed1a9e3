import { assert, describe, it } from "@effect/vitest"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Report from "@redrive/core/Report"
import * as Pino from "@redrive/pino/Pino"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { Writable } from "node:stream"
import pino from "pino"

/** A pino that keeps what it writes. */
const memory = (options: pino.LoggerOptions = {}) => {
  const written: Array<string> = []
  const logger = pino({ base: null, ...options }, { write: (line: string) => void written.push(line) })
  return { logger, lines: () => written.map((line) => JSON.parse(line)) }
}

const logged = Effect.fnUntraced(function* <A, E>(program: Effect.Effect<A, E>, options: pino.LoggerOptions = {}) {
  const { lines, logger } = memory(options)
  yield* Effect.exit(Effect.provide(program, Pino.layer(logger)))
  return lines().map(({ time: _, ...line }) => line)
})

const failure = Failure.withoutStack(() => {
  const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
  const reason = new ItemError.InternalError({ detail: "unknown", cause })
  return new ItemError.ItemError({ jobId: "j1", url: "https://u:p@example.com/a?token=t", reason })
})

describe("a record", () => {
  it.effect("has pino's level, a message, its fields, and the annotations as bindings", () =>
    Effect.gen(function* () {
      const program = Effect.forEach(
        [Effect.logTrace, Effect.logDebug, Effect.log, Effect.logWarning, Effect.logError, Effect.logFatal],
        (log) => log("page", { pages: 3 })
      ).pipe(Effect.annotateLogs({ job: "j1" }), Effect.provideService(References.MinimumLogLevel, "All"))
      const lines = yield* logged(program, { level: "trace" })
      assert.deepStrictEqual(
        lines,
        [10, 20, 30, 40, 50, 60].map((level) => ({ level, job: "j1", pages: 3, msg: "page" }))
      )
    })
  )

  it.effect("of a failure has pino's err, once however often it is raised", () =>
    Effect.gen(function* () {
      const report = ErrorReporter.report(Cause.fail(failure))
      const [line, ...more] = yield* logged(Effect.andThen(report, report))
      assert.isEmpty(more)
      const { err, ...rest } = line
      assert.deepStrictEqual(rest, { level: 50, msg: "internal_error unknown at https://example.com/a" })
      const { stack, ...facts } = err
      assert.strictEqual(stack, "")
      assert.deepStrictEqual(facts, {
        type: "internal_error",
        message: "internal_error unknown at https://example.com/a",
        name: "internal_error",
        detail: "unknown",
        actor: "operator",
        job: "j1",
        url: "https://example.com/a",
        host: "example.com",
        level: "item",
        fingerprint: Report.make(failure).fingerprint,
        causes: [{ name: "Error", message: "read ECONNRESET", depth: 0, code: "ECONNRESET" }]
      })
    })
  )

  it.effect("knows its trace", () =>
    Effect.gen(function* () {
      const [line] = yield* logged(Effect.withSpan(Effect.log("x"), "s"))
      assert.match(line.trace_id, /^[\da-f]{32}$/)
      assert.match(line.span_id, /^[\da-f]{16}$/)
      assert.strictEqual(line.trace_flags, "01")
      const [unsampled] = yield* logged(Effect.withSpan(Effect.log("x"), "s", { sampled: false }))
      assert.strictEqual(unsampled.trace_flags, "00")
    })
  )

  it.effect("is bounded and without secrets before pino sees it", () =>
    Effect.gen(function* () {
      const program = Effect.log("my hunter22", { token: "t", note: "hunter22", big: "x".repeat(1_000_000) })
      const [line] = yield* logged(
        Effect.provide(program, Report.layerSecrets(Redacted.make("hunter22"))).pipe(
          Effect.annotateLogs({ cookie: "c", also: "hunter22" })
        )
      )
      const text = JSON.stringify(line)
      assert.notInclude(text, "hunter22")
      assert.isBelow(text.length, 3000)
      assert.deepInclude(line, { token: "<redacted>", cookie: "<redacted>", msg: "my <redacted>" })
    })
  )

  it.effect("is not made at a level that pino does not want", () =>
    Effect.gen(function* () {
      let read = 0
      const field = {
        get a() {
          return ++read
        }
      }
      assert.isEmpty(yield* logged(Effect.log("x", field), { level: "warn" }))
      assert.strictEqual(read, 0)
    })
  )

  it.effect("goes through pino's own redaction, mixins and serializers", () =>
    Effect.gen(function* () {
      const [line] = yield* logged(Effect.log("x", { user: { email: "e" } }), {
        redact: ["user.email"],
        mixin: () => ({ mixed: true })
      })
      assert.deepStrictEqual(line, { level: 30, mixed: true, user: { email: "[Redacted]" }, msg: "x" })
    })
  )
})

describe("a line has every name once", () => {
  const fields = { level: "gold", time: "noon", pid: 1, msg: "mine", hostname: "h", err: "e", job: "j9" }

  /** The names of one line, in the order they are written. */
  const names = (line: string) => [...line.matchAll(/[{,]"(\w+)":/g)].map(([, name]) => name)

  it.effect("whatever fields and annotations are called", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const logger = pino({}, { write: (line: string) => void written.push(line) })
      const log = Effect.log("text", fields)
      const program = Effect.andThen(log, Effect.annotateLogs(log, { level: "silver", msg: "theirs" }))
      yield* Effect.provide(program, Pino.layer(logger))
      for (const line of written) assert.strictEqual(new Set(names(line)).size, names(line).length, line)
      const [line, annotated] = written.map((line) => JSON.parse(line))
      assert.deepInclude(line, { level: 30, level_: "gold", msg: "text", msg_: "mine", err: "e", job: "j9" })
      assert.deepInclude(annotated, {
        level: 30,
        level_: "silver",
        level__: "gold",
        msg: "text",
        msg_: "theirs",
        msg__: "mine"
      })
    })
  )

  it.effect("of a failure, too", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const logger = pino({ messageKey: "message" }, { write: (line: string) => void written.push(line) })
      const program = Effect.annotateLogs(Effect.logError("text", failure, { ...fields, message: "x" }), {
        job: "j1",
        url: "u"
      })
      yield* Effect.provide(program, Pino.layer(logger))
      const line = written[0]?.replace(/"err":\{.*\}\},?|"err":\{[^}]*\},?/, "") ?? ""
      assert.strictEqual(new Set(names(line)).size, names(line).length, line)
      const parsed = JSON.parse(written[0] ?? "")
      assert.deepInclude(parsed, { level: 50, message_: "x", err_: "e", job: "j1", job_: "j9", url: "u" })
      assert.strictEqual(parsed.err.url, "https://example.com/a")
      assert.strictEqual(parsed.err.type, "internal_error")
    })
  )
})

describe("a pino in trouble", () => {
  it.effect("never changes what the program does when it cannot say which levels it wants", () =>
    Effect.gen(function* () {
      const { lines, logger } = memory()
      logger.isLevelEnabled = () => {
        throw new Error("no")
      }
      assert.strictEqual(yield* Effect.provide(Effect.as(Effect.log("x"), "done"), Pino.layer(logger)), "done")
      assert.lengthOf(lines(), 1)
    })
  )

  const calls = Effect.forEach([1, 2, 3], () => Effect.andThen(Effect.log("x"), Effect.sleep("5 millis")), {
    discard: true
  })

  it.live("never changes what the program does, and says what it lost: a stream that throws, fails, or is closed", () =>
    Effect.gen(function* () {
      // Without options, pino takes what only writes for its options, and writes to stdout.
      const throwing = pino(
        {},
        {
          write: () => {
            throw new Error("no")
          }
        }
      )
      const failing = pino(new Writable({ write: (_, __, done) => done(new Error("EPIPE")) }))
      const full = pino(pino.destination({ dest: "/dev/full", sync: false }))
      const closed = pino.destination({ dest: "/dev/null", sync: true })
      closed.destroy()
      for (const logger of [throwing, failing, full, pino(closed)]) {
        const lost: Array<number> = []
        const layer = Pino.layer(logger, { onLost: (count) => lost.push(count) })
        assert.strictEqual(yield* Effect.provide(Effect.as(calls, "done"), layer), "done")
        assert.isAtLeast(lost[0] ?? 0, 1)
      }
    })
  )
})

describe("a stream that nobody reads", () => {
  it.live("keeps a bounded part of what it is given, and the rest is counted", () =>
    Effect.gen(function* () {
      const stream = new Writable({ write: () => undefined })
      const lost: Array<number> = []
      const program = Effect.forEach(Array.from({ length: 20_000 }), () => Effect.log("x".repeat(1900)), {
        discard: true
      })
      const options = { flushTimeout: Duration.millis(10), onLost: (count: number) => lost.push(count) }
      yield* Effect.provide(program, Pino.layer(pino(stream), options))
      assert.isBelow(stream.writableLength, 17_000_000)
      assert.isAbove(lost[0] ?? 0, 1000)
    })
  )
})
