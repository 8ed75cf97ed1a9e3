import { assert, describe, it } from "@effect/vitest"
import * as Catalogue from "@redrive/core/Catalogue"
import * as Failure from "@redrive/core/Failure"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Wire from "@redrive/core/Wire"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

// A service that transcodes films, with a catalogue of its own.

const catalogue = Catalogue.make({
  job: {
    quota_exceeded: {
      meaning: "The month's minutes are used up.",
      verdict: Verdict.parked("buy minutes"),
      severity: "Fatal",
      actor: "caller",
      status: 402,
      message: "no minutes left",
      details: {}
    }
  },
  item: {
    codec_unsupported: {
      meaning: "No decoder.",
      verdict: Verdict.permanent,
      severity: "Warn",
      actor: "caller",
      status: 200,
      message: "no decoder for {codec}",
      details: {
        licence: {
          verdict: Verdict.parked("buy a licence"),
          severity: "Error",
          actor: "operator",
          message: "no licence for {codec}"
        }
      }
    },
    worker_lost: {
      meaning: "The worker went away.",
      verdict: Verdict.transient("steady", 3),
      severity: "Info",
      actor: "nobody",
      status: 200,
      message: "worker lost",
      details: {}
    }
  }
})

class QuotaExceeded extends Failure.Reason<QuotaExceeded>("test/QuotaExceeded")("QuotaExceeded", {
  catalogue,
  level: "job",
  code: "quota_exceeded"
}) {}

class CodecUnsupported extends Failure.Reason<CodecUnsupported>("test/CodecUnsupported")(
  "CodecUnsupported",
  { catalogue, level: "item", code: "codec_unsupported" },
  { codec: Schema.String }
) {}

class LicenceMissing extends Failure.Reason<LicenceMissing>("test/LicenceMissing")(
  "LicenceMissing",
  { catalogue, level: "item", code: "codec_unsupported", detail: "licence" },
  { codec: Schema.optionalKey(Schema.String) }
) {}

class WorkerLost extends Failure.Reason<WorkerLost>("test/WorkerLost")(
  "WorkerLost",
  { catalogue, level: "item", code: "worker_lost" },
  { retryAfter: Schema.optionalKey(Schema.DurationFromMillis) }
) {}

class TranscodeError extends Failure.Job<TranscodeError>("test/TranscodeError")("TranscodeError", catalogue, [
  QuotaExceeded
]) {}

class FilmError extends Failure.Item<FilmError>("test/FilmError")(
  "FilmError",
  catalogue,
  [CodecUnsupported, LicenceMissing, WorkerLost],
  { reel: Schema.Int }
) {}

const film = (reason: FilmError["reason"]) => new FilmError({ itemId: "f1", reel: 3, reason })

describe("errors of a catalogue of one's own", () => {
  it("say what their row says", () => {
    const error = film(new CodecUnsupported({ codec: "av1" }))
    assert.strictEqual(error.code, "codec_unsupported")
    assert.strictEqual(error.lastError, "no decoder for av1")
    assert.strictEqual(error.message, "codec_unsupported at item f1: no decoder for av1")
    assert.deepStrictEqual(error.verdict, Verdict.permanent)
    assert.isFalse(error.isRetryable)
    assert.strictEqual(error[ErrorReporter.severity], "Warn")
    assert.strictEqual(error.cause, error.reason)
    assert.strictEqual(error.reel, 3)
  })

  it("are refined by a class for a detail, or by a detail given", () => {
    const byClass = film(new LicenceMissing({ codec: "hevc" }))
    const given = film(new CodecUnsupported({ codec: "hevc", detail: "licence" }))
    for (const error of [byClass, given]) {
      assert.deepStrictEqual(error.verdict, Verdict.parked("buy a licence"))
      assert.strictEqual(error.lastError, "no licence for hevc")
      assert.strictEqual(error[ErrorReporter.severity], "Error")
    }
  })

  it("heed a wait", () => {
    const error = film(new WorkerLost({ retryAfter: Duration.seconds(5) }))
    assert.deepStrictEqual(error.verdict, Verdict.throttled(Duration.seconds(5)))
    assert.deepStrictEqual(error.retryAfter, Duration.seconds(5))
  })

  it("of a job name the operation and the job", () => {
    const error = new TranscodeError({ operation: "start", jobId: "j1", reason: new QuotaExceeded({}) })
    assert.strictEqual(error.message, "start of job j1 failed: quota_exceeded: no minutes left")
  })

  it.effect("work with Effect's operators for reasons", () =>
    Effect.gen(function* () {
      const failed = Effect.fail(film(new CodecUnsupported({ codec: "av1" })))
      const caught = failed.pipe(
        Effect.catchReason("FilmError", "CodecUnsupported", ({ codec }) => Effect.succeed(codec))
      )
      assert.strictEqual(yield* caught, "av1")
      const both = failed.pipe(
        Effect.catchReasons("FilmError", {
          WorkerLost: () => Effect.succeed("again"),
          CodecUnsupported: () => Effect.succeed("never")
        })
      )
      assert.strictEqual(yield* both, "never")
      const reason = failed.pipe(
        Effect.unwrapReason("FilmError"),
        Effect.catchTags({ CodecUnsupported: ({ code }) => Effect.succeed(code) })
      )
      assert.strictEqual(yield* reason, "codec_unsupported")
    })
  )

  it("are reported, and told apart from what is none", () => {
    assert.deepInclude(Report.make(film(new CodecUnsupported({ codec: "av1" }))), {
      level: "item",
      code: "codec_unsupported",
      itemId: "f1",
      actor: "caller",
      attributes: { reel: 3, codec: "av1" }
    })
    assert.isTrue(Failure.isFailure(film(new WorkerLost({}))))
    assert.isFalse(Failure.isFailure(new WorkerLost({})))
    assert.isFalse(Failure.isFailure(new Error("x")))
  })

  it.prop("survive JSON", { reason: FilmError.fields.reason }, ({ reason }) => {
    const codec = Schema.toCodecJson(FilmError)
    const error = film(reason)
    const json = JSON.stringify(Schema.encodeSync(codec)(error))
    const back = Schema.decodeUnknownSync(codec)(JSON.parse(json))
    assert.strictEqual(back.verdict._tag, error.verdict._tag)
    assert.strictEqual(JSON.stringify(Schema.encodeSync(codec)(back)), json)
  })
})

describe("the envelope of a catalogue of one's own", () => {
  const codec = Wire.codecOf(FilmError)
  const encode = Schema.encodeSync(codec)
  const decode = Schema.decodeUnknownSync(codec)

  it("has the code, the text and the detail", () => {
    assert.deepStrictEqual(encode(new LicenceMissing({ codec: "hevc" })), {
      error_code: "codec_unsupported",
      error_message: "no licence for hevc",
      reason: "licence",
      fields: { codec: "hevc" }
    })
    assert.deepStrictEqual(encode(new WorkerLost({})), { error_code: "worker_lost", error_message: "worker lost" })
  })

  it("tells the fields of a reason, as JSON has them, and nothing that was thrown", () => {
    const wait = Duration.seconds(5)
    const lost = new WorkerLost({ retryAfter: wait, cause: new Error("of this machine") })
    assert.deepStrictEqual(encode(lost), {
      error_code: "worker_lost",
      error_message: "worker lost",
      fields: { retryAfter: 5000 }
    })
    for (const reason of [lost, new CodecUnsupported({ codec: "av1" }), new LicenceMissing({ codec: "hevc" })]) {
      const back = decode(JSON.parse(JSON.stringify(encode(reason))))
      assert.strictEqual(back.constructor, reason.constructor)
      assert.deepStrictEqual(back.verdict, reason.verdict)
      assert.deepStrictEqual(encode(back), encode(reason))
    }
  })

  it("is read whatever stands for the fields", () => {
    for (const fields of [null, 7, "x", [], {}, { codec: 7 }, { codec: null }]) {
      const reason = decode({ error_code: "codec_unsupported", error_message: "x", fields })
      assert.instanceOf(reason, Failure.Unrecognized)
      assert.instanceOf(decode({ error_code: "worker_lost", fields }), WorkerLost)
    }
  })

  const row = { verdict: Verdict.permanent, severity: "Warn", actor: "caller" } as const
  const slow = { ...row, verdict: Verdict.transient("slow"), status: 409, message: "torn for now" } as const
  const torn = Catalogue.make({
    job: { torn: { ...row, meaning: "", status: 422, message: "torn by {key}", details: { slow, dear: row } } }
  })

  it("keeps the verdict, the detail and the status of a code of which too little was told", () => {
    class Torn extends Failure.Reason<Torn>("t/Torn")(
      "Torn",
      { catalogue: torn, level: "job", code: "torn" },
      { key: Schema.String, at: Schema.Duration }
    ) {}
    class TornError extends Failure.Job<TornError>("t/TornError")("TornError", torn, [Torn]) {}
    const { decode, encode } = {
      decode: Schema.decodeUnknownSync(Wire.codecOf(TornError)),
      encode: Schema.encodeSync(Wire.codecOf(TornError))
    }
    for (const detail of [undefined, "slow", "dear", "never heard of"]) {
      const whole = new Torn({ key: "k", at: Duration.seconds(2), ...(detail === undefined ? {} : { detail }) })
      const { fields, ...rest } = encode(whole)
      assert.isDefined(fields)
      const back = decode(JSON.parse(JSON.stringify(encode(whole))))
      assert.deepStrictEqual(back, new Torn({ ...whole, lastError: rest.error_message ?? "" }))
      const lost = decode(rest)
      assert.instanceOf(lost, Failure.Unrecognized)
      for (const reason of [back, lost]) {
        assert.deepStrictEqual(
          [reason.code, reason.detail, reason.verdict, reason.isRetryable, Failure.statusOf(reason), reason.lastError],
          [whole.code, whole.detail, whole.verdict, whole.isRetryable, Failure.statusOf(whole), rest.error_message]
        )
        assert.strictEqual(reason[ErrorReporter.severity], whole[ErrorReporter.severity])
      }
    }
  })

  it("tells no secret", () => {
    class Torn extends Failure.Reason<Torn>("t/Torn")(
      "Torn",
      { catalogue: torn, level: "job", code: "torn" },
      {
        key: Schema.Redacted(Schema.String),
        deep: Schema.Option(Schema.Struct({ key: Schema.Redacted(Schema.String) })),
        many: Schema.ReadonlyMap(Schema.String, Schema.Redacted(Schema.String)),
        at: Schema.Int
      }
    ) {}
    class TornError extends Failure.Job<TornError>("t/TornError")("TornError", torn, [Torn]) {}
    const key = Redacted.make("hunter22")
    const secretive = new Torn({ key, deep: Option.some({ key }), many: new Map([["a", key]]), at: 7 })
    const told = Schema.encodeSync(Wire.codecOf(TornError))(secretive)
    assert.deepStrictEqual(told, { error_code: "torn", error_message: "torn by {key}", fields: { at: 7 } })
    assert.deepStrictEqual(Schema.decodeSync(Wire.codecOf(TornError))(told).verdict, secretive.verdict)
  })

  it("is refused as an API's errors where a code is answered with a success", () => {
    assert.throws(
      () => Wire.httpErrorsOf(FilmError),
      "Wire.httpErrorsOf:\n  item.codec_unsupported.status is 200, which is no failure's; allowed: 400 or more"
    )
    assert.throws(() => Wire.httpErrorsOf(FilmError), "item.worker_lost.status is 200")
  })

  it("is read by code and detail", () => {
    const reason = decode({ error_code: "codec_unsupported", error_message: "no licence for hevc", reason: "licence" })
    assert.instanceOf(reason, LicenceMissing)
    assert.strictEqual(reason.lastError, "no licence for hevc")
    assert.instanceOf(decode({ error_code: "worker_lost" }), WorkerLost)
  })

  it("keeps a code that it does not know, or of which too little was told", () => {
    for (const code of ["reel_torn", "codec_unsupported", "constructor"]) {
      const reason = decode({ error_code: code, error_message: "x" })
      assert.instanceOf(reason, Failure.Unrecognized)
      assert.deepInclude(reason, { code, lastError: "x" })
      assert.deepStrictEqual(reason.verdict, Verdict.permanent)
    }
  })

  it("is no error without a code", () => {
    for (const json of [{}, { error_code: "" }, { error_code: null, error_message: "x" }, { message: "Bad Gateway" }]) {
      assert.throws(() => decode(json), "there is no error_code")
    }
    for (const json of ["x", null, [], { error_code: 42 }]) assert.throws(() => decode(json))
  })
})

describe("an error", () => {
  /** All that an error has of its own, whatever shows it. */
  const ownOf = (error: object) => {
    const { stack: _, ...own } = Object.getOwnPropertyDescriptors(error) as Record<PropertyKey, PropertyDescriptor>
    return { keys: Reflect.ownKeys(own), own, prototype: Object.getPrototypeOf(error) as object }
  }
  const reached = (make: () => object) => {
    try {
      return ownOf(make())
    } catch (error) {
      return `${String(error)}: ${JSON.stringify((error as Error).cause)}`
    }
  }
  class Odd extends Failure.Reason<Odd>("test/Odd")(
    "Odd",
    { catalogue, level: "item", code: "worker_lost" },
    {
      list: Schema.optionalKey(Schema.Array(Schema.Struct({ a: Schema.Int }))),
      tries: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(7))),
      hidden: Schema.optional(Schema.Redacted(Schema.String))
    }
  ) {}
  const plain = [undefined, null, "", "x", 3, -0, 1.5, NaN, true, Symbol.iterator, [], ["x"], {}, [{ a: 1, b: 2 }]]
  const made = [Duration.seconds(1), Redacted.make("x"), new Error("x"), new WorkerLost({}), { _tag: "WorkerLost" }]
  const sample: ReadonlyArray<unknown> = [...plain, ...made]
  type Made = new (facts: object, options?: object) => object
  const classes: ReadonlyArray<readonly [type: unknown, facts: object]> = [
    [CodecUnsupported, { codec: "av1" }],
    [LicenceMissing, {}],
    [WorkerLost, { retryAfter: Duration.seconds(1), lastError: "x", cause: 3, extra: "dropped" }],
    [Odd, {}],
    [FilmError, { reel: 3, reason: new WorkerLost({}) }],
    [TranscodeError, { operation: "cut", jobId: "j", reason: new QuotaExceeded({}) }]
  ]

  it("is what its schema makes, or fails to make, of the same facts", () => {
    for (const [type, facts] of classes) {
      const Type = type as Made
      const names = ["_tag", "cause", "detail", "lastError", "status", ...Object.keys((type as typeof Odd).fields)]
      const all = names.flatMap((name) => sample.map((value) => ({ ...facts, [name]: value })))
      // Options, even none, are for the schema.
      for (const one of [facts, {}, Object.create(facts), ...all] as ReadonlyArray<object>)
        assert.deepStrictEqual(
          reached(() => new Type(one)),
          reached(() => new Type(one, {}))
        )
    }
  })
})

describe("errors without a stack", () => {
  it("have all but the trace, and those made afterwards have theirs", () => {
    const quiet = Failure.withoutStack(() => film(new WorkerLost({})))
    assert.notMatch(quiet.stack ?? "", /\n {4}at /)
    assert.strictEqual(quiet.code, "worker_lost")
    assert.match(film(new WorkerLost({})).stack ?? "", /\n {4}at /)
  })

  it("show what their reason has: where it failed", () => {
    const failed = () => new WorkerLost({})
    const error = film(failed())
    const [title, frame] = (error.stack ?? "").split("\n")
    assert.strictEqual(title, String(error))
    assert.match(frame ?? "", /^ {4}at failed .*Failure\.test\.ts/)
    assert.strictEqual(structuredClone(error).stack, error.stack)
    // A reason without frames leaves it to its error.
    assert.match(film(Failure.withoutStack(failed)).stack ?? "", /\n {4}at film .*Failure\.test\.ts/)
    // An error without frames was asked for.
    const quiet = Failure.withoutStack(() => film(error.reason as WorkerLost))
    assert.notMatch(quiet.stack ?? "", /\n {4}at /)
    error.stack = "mine"
    assert.strictEqual(error.stack, "mine")
  })

  it("may fail to be made", () => {
    const limit = Error.stackTraceLimit
    const fail = (): never => {
      throw new Error("no")
    }
    assert.throws(() => Failure.withoutStack(fail))
    assert.strictEqual(Error.stackTraceLimit, limit)
  })
})
