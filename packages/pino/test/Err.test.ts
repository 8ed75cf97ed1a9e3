import { assert, describe, it } from "@effect/vitest"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Report from "@redrive/core/Report"
import * as Pino from "@redrive/pino/Pino"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { inspect, isDeepStrictEqual } from "node:util"
import pino from "pino"

const failing = Failure.withoutStack(
  () =>
    new ItemError.ItemError({
      url: "https://u:p@example.com/a",
      reason: new ItemError.HostReturnedError({ status: 503 })
    })
)

/** The lines that a program writes through a pino, each of which has every name once. */
const linesOf = Effect.fnUntraced(function* <A, E>(program: Effect.Effect<A, E>, options: pino.LoggerOptions = {}) {
  const written: Array<string> = []
  const logger = pino(
    { base: null, timestamp: false, ...options },
    { write: (line: string) => void written.push(line) }
  )
  yield* Effect.exit(Effect.provide(program, Pino.layer(logger, { onLost: () => undefined })))
  return written.map((line) => {
    const parsed = JSON.parse(line)
    // A name that is there twice would be shorter by one when it is written again.
    assert.strictEqual(JSON.stringify(parsed).length, line.trim().length, line)
    return parsed
  })
})

/** The error that pino and its formats are given. */
const errOf = Effect.fnUntraced(function* (program: Effect.Effect<unknown, unknown>) {
  const given: Array<unknown> = []
  const log = (fields: { [name: string]: unknown }) => {
    given.push(fields.err)
    return fields
  }
  yield* linesOf(program, { formatters: { log } })
  const err = given.find((one) => one !== undefined)
  assert.instanceOf(err, Error)
  return err
})

describe("a failure is an error to pino", () => {
  it.effect("with the report's name, message and stack, and none of its own", () =>
    Effect.gen(function* () {
      const thrown = new TypeError("x is no function")
      const err = yield* errOf(Effect.logError("failed", thrown))
      assert.notStrictEqual(err, thrown)
      assert.deepStrictEqual([err.name, err.message], ["TypeError", "x is no function"])
      assert.strictEqual(err.constructor.name, "TypeError")
      assert.strictEqual(err.stack, Report.make(thrown).stack)
      assert.strictEqual(Object.prototype.toString.call(err), "[object Error]")
      assert.match(inspect(err), /TypeError.*: x is no function\n    at /)
      assert.isUndefined((yield* errOf(Effect.logError("failed", failing))).stack)
    })
  )

  it.effect("without its secrets, and bounded", () =>
    Effect.gen(function* () {
      class Denied extends Schema.TaggedError<Denied>("pino/test/Denied")("Denied", {
        message: Schema.String,
        user: Schema.String
      }) {}
      const denied = new Denied({ message: "hunter22 is wrong", user: `hunter22${"x".repeat(100_000)}` })
      const program = Effect.provide(Effect.logError("failed", denied), Report.layerSecrets(Redacted.make("hunter22")))
      const err = yield* errOf(program)
      const all = Object.getOwnPropertyNames(err).map((name) => String(Reflect.get(err, name)))
      assert.notInclude(all.join(), "hunter22")
      assert.isBelow(all.join().length, 10_000)
    })
  )

  it.effect("written as pino writes what it is made of", () =>
    Effect.gen(function* () {
      const thrown = new Error("the page failed", { cause: new Error("fetch failed") })
      const { attributes, causes, code, level: _, message, severity: __, ...rest } = Report.make(thrown)
      const [line] = yield* linesOf(Effect.logError("failed", thrown))
      assert.isTrue(
        isDeepStrictEqual(line.err, {
          type: code,
          message,
          name: code,
          level: "program",
          causes,
          ...attributes,
          ...rest
        })
      )
    })
  )

  it.effect("whose own facts take no name of an error's", () =>
    Effect.gen(function* () {
      const names = [
        "name",
        "type",
        "stack",
        "level",
        "fingerprint",
        "actor",
        "errors",
        "constructor",
        "toJSON",
        "causes"
      ]
      const attributes = Object.fromEntries([...names, "host", "amount"].map((name) => [name, `own ${name}`]))
      const error = Object.assign(new RangeError("too much"), { [ErrorReporter.attributes]: attributes })
      const [line] = yield* linesOf(Effect.logError("failed", error))
      const { code, fingerprint, stack } = Report.make(error)
      assert.deepInclude(line.err, { type: code, name: code, stack, actor: "operator", level: "program", fingerprint })
      assert.deepInclude(line.err, Object.fromEntries(names.map((name) => [`${name}_`, `own ${name}`])))
      assert.deepInclude(line.err, { host: "own host", amount: "own amount" })
    })
  )
})

describe("a pino of the program's own", () => {
  const failure = Effect.logError("failed", failing)

  it.effect("names the error as its errorKey says", () =>
    Effect.gen(function* () {
      const annotated = Effect.annotateLogs(failure, { error: "mine" })
      const [line] = yield* linesOf(annotated, { errorKey: "error", messageKey: "text" })
      assert.deepInclude(line, { error_: "mine" })
      assert.match(line.text, /^failed host_returned_error/)
      assert.deepInclude(line.error, { type: "host_returned_error", status: 503 })
      assert.notProperty(line, "err")
    })
  )

  it.effect("nests fields and the error, and not annotations", () =>
    Effect.gen(function* () {
      const logged = Effect.logError("failed", failing, { level: "gold", tenant: "b" })
      const [line] = yield* linesOf(Effect.annotateLogs(logged, { tenant: "a", level: "silver", in: "mine" }), {
        nestedKey: "in"
      })
      assert.deepInclude(line, { level: 50, level_: "silver", tenant: "a", in_: "mine" })
      assert.deepInclude(line.in, { level: "gold", tenant: "b" })
      assert.strictEqual(line.in.err.type, "host_returned_error")
    })
  )

  it.effect("serializes it, by either name", () =>
    Effect.gen(function* () {
      const said = (error: Error) => `${error instanceof Error} ${error.name}`
      const [err] = yield* linesOf(failure, { serializers: { err: said } })
      assert.strictEqual(err.err, "true host_returned_error")
      for (const name of ["err", "error"]) {
        const [line] = yield* linesOf(failure, { errorKey: "error", serializers: { [name]: said } })
        assert.strictEqual(line.error, "true host_returned_error")
      }
      const [listed] = yield* linesOf(failure, { serializers: { err: (error: Error) => ({ ...error }) } })
      assert.deepInclude(listed.err, { name: "host_returned_error", status: 503, url: "https://example.com/a" })
    })
  )

  it.effect("has a serializer that throws, which costs that line alone", () =>
    Effect.gen(function* () {
      const err = () => {
        throw new Error("no")
      }
      const lines = yield* linesOf(Effect.andThen(failure, Effect.log("after")), { serializers: { err } })
      assert.deepStrictEqual(
        lines.map(({ msg }) => msg),
        ["after"]
      )
    })
  )

  it.effect("redacts what is in it, and leaves the rest", () =>
    Effect.gen(function* () {
      const [line] = yield* linesOf(failure, { redact: ["err.url", "err.host"] })
      assert.deepInclude(line.err, { url: "[Redacted]", host: "[Redacted]", status: 503 })
    })
  )

  it.effect("writes to many streams", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const write = (line: string) => void written.push(line)
      const logger = pino({}, pino.multistream([{ stream: { write } }, { stream: { write }, level: "error" }]))
      yield* Effect.provide(failure, Pino.layer(logger))
      assert.lengthOf(written, 2)
      for (const line of written) assert.include(line, '"err":{"type":"host_returned_error"')
    })
  )
})

describe("a line loses nothing", () => {
  it.effect("of fields that pino would take for a request", () =>
    Effect.gen(function* () {
      const [line] = yield* linesOf(
        Effect.logError("failed", failing, { method: "GET", headers: { a: "b" }, socket: "s" })
      )
      assert.deepInclude(line, { method: "GET", headers: { a: "b" }, socket_: "s" })
      assert.strictEqual(line.err.status, 503)
    })
  )

  it.effect("of annotations that pino would take for a child's options", () =>
    Effect.gen(function* () {
      const annotations = { level: "gold", serializers: "s", formatters: "f", customLevels: "c" }
      const formatters = { level: (severity: string) => ({ severity }) }
      const [line] = yield* linesOf(Effect.annotateLogs(Effect.log("x"), annotations), { formatters })
      assert.deepInclude(line, {
        severity: "info",
        level_: "gold",
        serializers_: "s",
        formatters_: "f",
        customLevels_: "c"
      })
    })
  )

  it.effect("that a format takes out of the fields and puts back", () =>
    Effect.gen(function* () {
      const log = ({ err, ...rest }: { [name: string]: unknown }) =>
        err instanceof Error ? { ...rest, error: { message: err.message } } : { ...rest, err }
      const [line] = yield* linesOf(Effect.logError("failed", new Error("second")), { formatters: { log } })
      assert.deepInclude(line, { error: { message: "second" } })
    })
  )

  it.effect("of a record's own facts, whose names an annotation does not get", () =>
    Effect.gen(function* () {
      const own = { trace_id: "t", span_id: "s", trace_flags: "f", also: "a", err: "e" }
      const failure = Effect.logError("failed", failing, new Error("second"))
      const program = Effect.andThen(failure, Effect.log("after")).pipe(Effect.annotateLogs(own))
      const [line, after] = yield* linesOf(Effect.withSpan(program, "s"))
      const renamed = { trace_id_: "t", span_id_: "s", trace_flags_: "f", also_: "a", err_: "e" }
      assert.deepInclude(line, { ...renamed, trace_flags: "01", also: [{ code: "Error", message: "second" }] })
      assert.match(line.trace_id, /^[\da-f]{32}$/)
      assert.match(line.span_id, /^[\da-f]{16}$/)
      assert.strictEqual(line.err.status, 503)
      assert.deepInclude(after, renamed)
      // Nested, they have names of their own.
      const [nested] = yield* linesOf(program, { nestedKey: "in" })
      assert.deepInclude(nested, own)
    })
  )
})
