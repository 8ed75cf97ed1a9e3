import { assert, describe, it } from "@effect/vitest"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Report from "@redrive/core/Report"
import * as Format from "@redrive/log/Format"
import type * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"

const reset = Failure.withoutStack(() => {
  const socket = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" })
  const cause = new Error("fetch failed", { cause: socket })
  const reason = new ItemError.InternalError({ detail: "unknown", cause })
  return new ItemError.ItemError({ jobId: "j1", itemId: "i1", url: "https://example.com/a?b=c", reason })
})
const unavailable = new ItemError.ItemError({
  url: "https://example.com/a",
  reason: new ItemError.HostReturnedError({ status: 503 })
})

const report = { ...Report.make(reset), stack: "Error: read ECONNRESET\n    at read (net.js:1:1)" }

const recordOf = (
  level: LogLevel.LogLevel,
  message: string,
  ...reports: ReadonlyArray<Report.Report>
): Format.Record => ({
  date: new Date(Date.UTC(2026, 10, 24, 1, 2, 3, 456)),
  level,
  message,
  annotations: { pages: 3 },
  fields: { tags: ["a", "b"] },
  reports,
  trace: { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true }
})

const failed = recordOf("Error", report.message, report)
const plain = recordOf("Info", "crawling")
const service = { service: "crawler", version: "1.2.3" }

type Line = { readonly [name: string]: unknown }

/** What a format says of a record, as a collector reads it. */
const read = (format: Format.Format, record: Format.Record): Line => JSON.parse(format(record))

describe("a failure in the names of", () => {
  it("OpenTelemetry", () => {
    assert.deepStrictEqual(read(Format.otel(service), failed), {
      timestamp: "2026-11-24T01:02:03.456Z",
      severity_text: "ERROR",
      severity_number: 17,
      body: "internal_error unknown at https://example.com/a",
      trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
      span_id: "00f067aa0ba902b7",
      trace_flags: "01",
      resource: { "service.name": "crawler", "service.version": "1.2.3" },
      attributes: {
        pages: 3,
        tags: ["a", "b"],
        "error.type": "internal_error",
        "exception.type": "ItemError",
        "exception.message": "internal_error unknown at https://example.com/a",
        "exception.stacktrace": "Error: read ECONNRESET\n    at read (net.js:1:1)",
        "url.full": "https://example.com/a",
        "server.address": "example.com",
        "redrive.level": "item",
        "redrive.detail": "unknown",
        "redrive.actor": "operator",
        "redrive.job.id": "j1",
        "redrive.item.id": "i1",
        "redrive.fingerprint": report.fingerprint,
        "redrive.causes": ["Error: fetch failed", "Error: read ECONNRESET"]
      }
    })
  })

  it("the Elastic Common Schema", () => {
    assert.deepStrictEqual(read(Format.ecs(service), failed), {
      "@timestamp": "2026-11-24T01:02:03.456Z",
      "log.level": "error",
      message: "internal_error unknown at https://example.com/a",
      "ecs.version": "8.17.0",
      "service.name": "crawler",
      "service.version": "1.2.3",
      "trace.id": "4bf92f3577b34da6a3ce929d0e0e4736",
      "span.id": "00f067aa0ba902b7",
      "error.code": "internal_error",
      "error.type": "ItemError",
      "error.message": "internal_error unknown at https://example.com/a",
      "error.stack_trace": "Error: read ECONNRESET\n    at read (net.js:1:1)",
      "url.full": "https://example.com/a",
      "server.address": "example.com",
      labels: {
        pages: "3",
        tags: '["a","b"]',
        actor: "operator",
        detail: "unknown",
        fingerprint: report.fingerprint,
        item: "i1",
        job: "j1",
        error_level: "item",
        causes: '["Error: fetch failed","Error: read ECONNRESET"]'
      }
    })
  })

  it("Google Cloud, for Error Reporting", () => {
    const format = Format.gcp({ ...service, project: "p" })
    const { causes, "logging.googleapis.com/insertId": id, stack, ...rest } = read(format, failed)
    assert.isString(id)
    assert.isUndefined(stack)
    assert.lengthOf(causes as ReadonlyArray<unknown>, 2)
    assert.deepStrictEqual(rest, {
      severity: "ERROR",
      time: "2026-11-24T01:02:03.456Z",
      message: "internal_error unknown at https://example.com/a",
      "logging.googleapis.com/trace": "projects/p/traces/4bf92f3577b34da6a3ce929d0e0e4736",
      "logging.googleapis.com/spanId": "00f067aa0ba902b7",
      "logging.googleapis.com/trace_sampled": true,
      "@type": "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent",
      stack_trace: "Error: read ECONNRESET\n    at read (net.js:1:1)",
      serviceContext: { service: "crawler", version: "1.2.3" },
      error_level: "item",
      code: "internal_error",
      detail: "unknown",
      actor: "operator",
      job: "j1",
      item: "i1",
      url: "https://example.com/a",
      host: "example.com",
      fingerprint: report.fingerprint,
      pages: 3,
      tags: ["a", "b"]
    })
    const warned = recordOf("Warn", "x", Report.make(unavailable))
    assert.notProperty(read(format, warned), "@type")
  })

  it("Datadog", () => {
    const { causes, ...rest } = read(Format.datadog(service), failed)
    assert.lengthOf(causes as ReadonlyArray<unknown>, 2)
    assert.deepStrictEqual(rest, {
      timestamp: "2026-11-24T01:02:03.456Z",
      status: "error",
      message: "internal_error unknown at https://example.com/a",
      service: "crawler",
      version: "1.2.3",
      dd: { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", span_id: "67667974448284343" },
      error_level: "item",
      code: "internal_error",
      detail: "unknown",
      actor: "operator",
      job: "j1",
      item: "i1",
      http: { url: "https://example.com/a", url_details: { host: "example.com" } },
      error: {
        kind: "ItemError",
        message: "internal_error unknown at https://example.com/a",
        stack: "Error: read ECONNRESET\n    at read (net.js:1:1)",
        fingerprint: report.fingerprint
      },
      pages: 3,
      tags: ["a", "b"]
    })
  })
})

describe("a failure with fields of its own", () => {
  class Refused extends Schema.TaggedError<Refused>("log/test/Refused")("Refused", {
    level: Schema.String,
    timestamp: Schema.Finite,
    severity: Schema.String,
    status: Schema.Finite,
    amount: Schema.Finite,
    url: Schema.String
  }) {}
  const refused = new Refused({
    level: "gold",
    timestamp: 1,
    severity: "x",
    status: 503,
    amount: 7,
    url: "https://example.com:8080/pay"
  })
  const second = Report.make(new Error("and the till"))
  const record = recordOf("Error", "refused", { ...Report.make(refused), host: "example.com:8080" }, second)
  const formats = { json: Format.json, otel: Format.otel(), ecs: Format.ecs(), gcp: Format.gcp(), dd: Format.datadog() }

  it("takes no name of the line's own, in any format, and loses none", () => {
    const all = Object.entries(formats).map(([name, format]) => [name, read(format, record)] as const)
    const at: { readonly [name: string]: Line } = Object.fromEntries(all)
    assert.deepInclude(at.json, { level: "error", level_: "gold", timestamp_: 1, status: 503, amount: 7 })
    assert.deepInclude(at.otel, { severity_text: "ERROR" })
    assert.deepInclude(at.otel?.attributes, {
      "redrive.level": "program",
      "redrive.amount": 7,
      "http.response.status_code": 503,
      "server.address": "example.com",
      "server.port": 8080
    })
    assert.deepInclude(at.ecs, { "log.level": "error", "server.address": "example.com", "server.port": 8080 })
    assert.deepInclude(at.ecs?.labels, { amount: "7", level: "gold" })
    assert.deepInclude(at.gcp, { severity: "ERROR", severity_: "x", amount: 7 })
    assert.deepInclude(at.dd, { status: "error", amount: 7 })
    assert.deepInclude(at.dd?.http, { status_code: 503, url_details: { host: "example.com", port: 8080 } })
  })

  it("is told with the second failure of the line, in every format", () => {
    for (const format of Object.values(formats)) assert.include(format(record), "and the till")
  })
})

describe("a line without a failure", () => {
  const formats = [Format.json, Format.otel(), Format.ecs(), Format.gcp(), Format.datadog()]

  it("says nothing of one, in any format", () => {
    for (const format of formats) {
      const line = format(plain)
      assert.include(line, "crawling")
      assert.notMatch(line, /error|exception|undefined|@type/)
      assert.notInclude(line, "\n")
    }
  })

  it.prop(
    "has its moment to the millisecond, whichever line came before",
    { dates: Schema.Array(Schema.Date), apart: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 })) },
    ({ apart, dates }) => {
      for (const date of dates.flatMap((first) => [first, new Date(first.getTime() - apart)])) {
        if (Number.isNaN(date.getTime())) continue
        assert.include(Format.json({ ...plain, date }), `"timestamp":"${date.toISOString()}"`)
      }
    }
  )
})

describe("a terminal", () => {
  const lines = (options: Format.TerminalOptions, record: Format.Record) => Format.terminal(options)(record).split("\n")

  it("shows causes as a tree, members of an aggregate side by side", () => {
    const aggregate = new AggregateError(
      [new Error("first", { cause: new Error("its cause") }), new Error("second")],
      "all failed"
    )
    const { stack: _, ...made } = Report.make(new Error("outer", { cause: aggregate }))
    assert.deepStrictEqual(lines({}, { ...recordOf("Error", "x", made), annotations: {}, fields: {} }), [
      "01:02:03.456 ERROR x error=outer code=Error actor=operator trace=4bf92f3577b34da6a3ce929d0e0e4736",
      "                   └─ AggregateError: all failed",
      "                      ├─ Error: first",
      "                      │  └─ Error: its cause",
      "                      └─ Error: second"
    ])
  })

  it("leaves no gap where a wrap said nothing", () => {
    const { stack: _, ...made } = Report.make(new Error("outer"))
    const causes = [
      { name: "SqlError", message: "failed", depth: 0 },
      { name: "Error", message: "no table", depth: 2 }
    ]
    const record = { ...recordOf("Error", "x", { ...made, causes }), annotations: {}, fields: {} }
    assert.deepStrictEqual(lines({}, record).slice(1), [
      "                   └─ SqlError: failed",
      "                      └─ Error: no table"
    ])
  })

  it("folds lines to its width, between words, and below the message", () => {
    const fields = { pages: 3, long: "x".repeat(30) }
    const record = { ...recordOf("Warn", "one two three four five six"), fields, trace: undefined }
    assert.deepStrictEqual(lines({ width: 40 }, record), [
      "01:02:03.456 WARN  one two three four",
      "                   five six pages=3",
      `                   long=${"x".repeat(30)}`
    ])
  })

  it("counts columns, not characters, and shows a message's own lines one below the other", () => {
    const record = {
      ...recordOf("Info", "価格 表示 価格 done 🎉🎉\nsecond line"),
      annotations: {},
      fields: {},
      trace: undefined
    }
    assert.deepStrictEqual(lines({ width: 43 }, record), [
      "01:02:03.456 INFO  価格 表示 価格 done 🎉🎉",
      "                   second line"
    ])
    assert.deepStrictEqual(lines({ width: 42 }, record).slice(0, 2), [
      "01:02:03.456 INFO  価格 表示 価格 done",
      "                   🎉🎉"
    ])
  })

  it.each([
    ["a family", "👨‍👩‍👧", 2],
    ["a flag", "🇩🇪", 2],
    ["a keycap", "1️⃣", 2],
    ["a tone of skin", "👍🏽", 2],
    ["a rare character", "𠀀", 2],
    ["a letter with an accent of its own", "e\u0301", 1],
    ["one syllable of three letters", "각", 2],
    ["a wide bracket", "〈", 2]
  ] as const)("counts the columns of a character of several parts: %s", (_, character, columns) => {
    const message = `${character.repeat(20)} next`
    const record = { ...recordOf("Info", message), annotations: {}, fields: {}, trace: undefined }
    const width = 19 + 20 * columns + " next".length
    assert.lengthOf(lines({ width }, record), 1)
    assert.lengthOf(lines({ width: width - 1 }, record), 2)
  })

  it("hides no fact that the message does not have as a word", () => {
    const fields = { retries: 3, pages: 0, name: "", status: 503, took: "1250 ms" }
    const record = { ...recordOf("Info", "got 503 after 1250 ms"), annotations: {}, fields, trace: undefined }
    assert.deepStrictEqual(lines({}, record), ["01:02:03.456 INFO  got 503 after 1250 ms retries=3 pages=0 name="])
  })

  it("folds causes and stacks as well, below where they begin", () => {
    const cause = new Error("a message of a cause that does not fit on a line", { cause: new Error("inner") })
    const { stack: _, ...made } = Report.make(new Error("outer", { cause }))
    const record = { ...recordOf("Error", "x", made), annotations: {}, fields: {}, trace: undefined }
    assert.deepStrictEqual(lines({ width: 60 }, record).slice(1), [
      "                   └─ Error: a message of a cause that",
      "                        does not fit on a line",
      "                      └─ Error: inner"
    ])
  })

  it("is told the second failure of a line as well", () => {
    const { stack: _, ...other } = Report.make(new Error("other"))
    assert.deepStrictEqual(
      lines({}, { ...recordOf("Error", "x", Report.make(unavailable), other), annotations: {}, fields: {} }).slice(1),
      ["                   and Error: other"]
    )
  })
})
