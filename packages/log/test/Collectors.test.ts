import { assert, describe, it } from "@effect/vitest"
import { SeverityNumber } from "@opentelemetry/api-logs"
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs"
import * as semantic from "@opentelemetry/semantic-conventions"
import * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"
import * as Format from "@redrive/log/Format"
import * as Log from "@redrive/log/Log"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

type Line = { readonly [name: string]: unknown }

const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true }
const report = {
  ...Report.make(new TypeError("x is no function")),
  host: "example.com:8080",
  url: "https://example.com:8080/a"
}

/** A record of a failure, whose own facts, annotations and fields are the same names with different values. */
const recordOf = (names: ReadonlyArray<string>, others: Partial<Format.Record> = {}): Format.Record => {
  const named = (of: string) => Object.fromEntries(names.map((name) => [name, `${of} ${name}`]))
  return {
    date: new Date(Date.UTC(2026, 10, 24)),
    level: "Error",
    message: "failed",
    annotations: named("annotation"),
    fields: named("field"),
    reports: [{ ...report, attributes: named("own") }],
    trace,
    ...others
  }
}

const withStatus = (status: string | number): Format.Record =>
  recordOf([], { reports: [{ ...report, attributes: { status } }] })

const read = (format: Format.Format, record: Format.Record): Line => JSON.parse(format(record))

const formats = {
  json: Format.json,
  otel: Format.otel({ service: "crawler" }),
  ecs: Format.ecs({ service: "crawler" }),
  gcp: Format.gcp({ service: "crawler" }),
  datadog: Format.datadog({ service: "crawler" })
}
const each = Object.entries(formats)

const words = (text: string) => text.split(/\s+/)

/** Names in which a collector reads something of its own, by its documentation. */
const reserved = {
  gcp: [
    ...words("severity message log time timestamp timestampSeconds timestampNanos httpRequest"),
    ...words("insertId labels operation sourceLocation spanId trace trace_sampled logName severity").map(
      (name) => `logging.googleapis.com/${name}`
    ),
    ...words("@type stack_trace exception context serviceContext eventTime")
  ],
  datadog: words(
    `
    host hostname syslog.hostname syslog service syslog.appname dd.service dd.env dd.version dd version source ddsource ddtags
    message msg log status severity level syslog.severity timestamp @timestamp _timestamp Timestamp eventTime date published_date
    trace_id dd.trace_id contextMap.dd.trace_id named_tags.dd.trace_id span_id dd.span_id
    error error.kind error.message error.stack error.fingerprint http`.trim()
  )
}

describe("what a collector reads of its own", () => {
  it.each(["gcp", "datadog"] as const)("is taken by no fact, annotation or field: %s", (collector) => {
    const format = formats[collector]
    const names = reserved[collector]
    for (const others of [{}, { reports: [], trace: undefined }]) {
      const [before, after] = [read(format, recordOf([], others)), read(format, recordOf(names, others))]
      for (const name of names) {
        if (name.endsWith("/insertId")) assert.match(String(after[name]), /^0{6}/)
        else assert.deepStrictEqual(after[name], before[name], name)
      }
      const said = JSON.stringify(after)
      for (const name of names) assert.include(said, `"annotation ${name}"`)
      if (!("reports" in others)) for (const name of names) assert.include(said, `"own ${name}"`)
    }
  })

  it("is set by a program where it is an object by its documentation", () => {
    const annotations = {
      httpRequest: { requestMethod: "GET" },
      "logging.googleapis.com/labels": { tenant: "acme" },
      http: { method: "GET" }
    }
    const record = { ...recordOf([]), annotations, reports: [] }
    assert.deepInclude(read(formats.gcp, record), annotations)
    assert.deepInclude(read(formats.datadog, record), { http: { method: "GET" } })
    const dotted = { "http.method": "GET", "http.url": "u" }
    assert.deepInclude(read(formats.datadog, { ...record, annotations: dotted }), dotted)
    const failed = read(formats.datadog, recordOf([], { annotations: { ...annotations, ...dotted } }))
    assert.deepInclude(failed, { http_: { method: "GET" }, "http.method_": "GET", "http.url_": "u" })
  })

  it("costs no value where a fact, an annotation and a field have one name", () => {
    const names = ["status", "url", "host", "error", "constructor", "amount", "amount_", "a.b", "a_b"]
    for (const [name, format] of each) {
      const line = format(recordOf(names))
      for (const of of ["own", "annotation", "field"]) {
        for (const what of names) assert.include(line, `${of} ${what}"`, name)
      }
    }
  })
})

describe("a status", () => {
  /** Where each format has the status of an answer. */
  const statusOf: { readonly [Name in Exclude<keyof typeof formats, "json" | "gcp">]: (line: Line) => unknown } = {
    otel: ({ attributes }) => Reflect.get(Object(attributes), "http.response.status_code"),
    ecs: (line) => line["http.response.status_code"],
    datadog: ({ http }) => Reflect.get(Object(http), "status_code")
  }

  it.each(["otel", "ecs", "datadog"] as const)(
    "of an answer is a number of its own, any other the failure's: %s",
    (name) => {
      const ofLine = (status: string | number) => read(formats[name], withStatus(status))
      for (const status of [100, 404, 503, 599]) assert.strictEqual(statusOf[name](ofLine(status)), status)
      for (const status of ["declined", "503", 0, 14, 600, 503.5]) {
        const line = ofLine(status)
        assert.isUndefined(statusOf[name](line))
        assert.match(JSON.stringify(line), new RegExp(`status_?":"?${status}"?[,}]`))
      }
    }
  )
})

/** Fields of the Elastic Common Schema that are written, by their types. */
const isText = (value: unknown) => typeof value === "string"
const isLong = (value: unknown) => Number.isSafeInteger(value)
const schema: { readonly [name: string]: (value: unknown) => boolean } = {
  "@timestamp": (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
  message: isText,
  "ecs.version": isText,
  "log.level": isText,
  "service.name": isText,
  "service.version": isText,
  "trace.id": isText,
  "span.id": isText,
  "error.code": isText,
  "error.type": isText,
  "error.message": isText,
  "error.stack_trace": isText,
  "url.full": isText,
  "server.address": isText,
  "server.port": isLong,
  "http.response.status_code": isLong
}

const assertEcs = ({ labels, ...document }: Line): void => {
  for (const [name, value] of Object.entries(document))
    assert.isTrue(schema[name]?.(value), `${name}: ${String(value)}`)
  for (const [name, value] of Object.entries(Object(labels))) {
    assert.notMatch(name, /\.|^\s*$/)
    assert.isTrue(typeof value === "string" || value === null, name)
  }
}

describe("a document of the Elastic Common Schema", () => {
  it("has the schema's types, whatever a program calls its own, and loses none of it", () => {
    const fields: { readonly [name: string]: Plain.Plain } = {
      "a.b": 1,
      a_b: 2,
      "": 3,
      " ": 4,
      ".": 5,
      nothing: null,
      nested: { deep: { er: [6] } },
      isDone: false
    }
    const names = [
      ...Object.keys(schema),
      "url",
      "host",
      "error",
      "http",
      "server",
      "labels",
      "log",
      "service",
      "trace",
      "tags",
      "event"
    ]
    const record = { ...recordOf(names), fields: { ...fields, status: "declined" } }
    for (const one of [record, { ...record, reports: [] }, withStatus("declined"), withStatus(503)]) {
      assertEcs(read(formats.ecs, one))
    }
    const { labels } = read(formats.ecs, record)
    const values = Object.values(Object(labels))
    for (const value of ["1", "2", "3", "4", "5", null, '{"deep":{"er":[6]}}', "false", "declined"])
      assert.include(values, value)
    for (const name of names) assert.includeMembers(values, [`own ${name}`, `annotation ${name}`])
  })

  it.prop("has them for any fields", { fields: Schema.Record(Schema.String, Schema.Json) }, ({ fields }) => {
    assertEcs(read(formats.ecs, recordOf([], { fields: Plain.fields(fields) })))
  })

  it("has what a logger of the program's own needs of it, each under a name of its own", () => {
    const record = { ...recordOf(["amount"]), reports: [{ ...report, attributes: { status: 503, amount: 7 } }] }
    assert.deepStrictEqual(Format.ecsFields(record), {
      "trace.id": trace.traceId,
      "span.id": trace.spanId,
      "error.code": "TypeError",
      "error.type": "TypeError",
      "url.full": report.url,
      "server.address": "example.com",
      "server.port": 8080,
      "http.response.status_code": 503,
      "labels.actor": "operator",
      "labels.fingerprint": report.fingerprint,
      "labels.error_level": "program",
      "labels.amount": "7"
    })
    assert.deepStrictEqual(Format.ecsFields(recordOf([], { reports: [], trace: undefined })), {})
  })
})

/** What OpenTelemetry's own SDK makes of a log record with an exception. */
const officially = (body: string, exception: Error) => {
  const exporter = new InMemoryLogRecordExporter()
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  provider.getLogger("test").emit({ body, severityText: "ERROR", exception })
  const [made] = exporter.getFinishedLogRecords()
  assert.isDefined(made)
  return made
}

describe("a record of OpenTelemetry", () => {
  const thrown = new TypeError("x is no function")
  const record = recordOf([], {
    reports: [{ ...Report.make(thrown), host: "example.com:8080", attributes: { status: 503 } }]
  })

  it("has what its own SDK gives an exception, but for frames beyond the twentieth", () => {
    const official = officially("failed", thrown)
    const { attributes, ...line } = read(formats.otel, record)
    assert.deepInclude(line, { body: official.body, severity_text: official.severityText })
    const { "exception.stacktrace": stack, ...exception } = official.attributes
    assert.deepInclude(Object(attributes), exception)
    const [header, first] = String(stack).split("\n")
    assert.include(Object(attributes)["exception.stacktrace"], `${header}\n${first}`)
  })

  it("names a severity by its number", () => {
    for (const level of ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"] as const) {
      const { severity_number, severity_text } = read(formats.otel, { ...record, level })
      assert.strictEqual(SeverityNumber[Number(severity_number)], severity_text)
    }
  })

  it("has the attributes of the semantic conventions, and beside them those of its own", () => {
    const conventions: ReadonlyArray<unknown> = Object.values(semantic)
    const { attributes, resource } = read(formats.otel, record)
    for (const name of [...Object.keys(Object(attributes)), ...Object.keys(Object(resource))]) {
      if (!name.startsWith("redrive.")) assert.include(conventions, name)
    }
  })
})

describe("an attribute of OpenTelemetry", () => {
  it("has a name and a value", () => {
    const { attributes } = read(
      formats.otel,
      recordOf([], { reports: [], annotations: { "": 1, nothing: null, zero: 0 } })
    )
    assert.deepStrictEqual(attributes, { _: 1, zero: 0 })
  })

  it.each([
    ["example.com", "example.com", undefined],
    ["example.com:8080", "example.com", 8080],
    ["[2001:db8::1]", "2001:db8::1", undefined],
    ["[2001:db8::1]:8080", "2001:db8::1", 8080],
    ["2001:db8::1", "2001:db8::1", undefined],
    ["127.0.0.1:80", "127.0.0.1", 80]
  ])("of a server is an address and a port: %s", (host, address, port) => {
    const { attributes } = read(formats.otel, recordOf([], { reports: [{ ...report, host }] }))
    assert.deepInclude(Object(attributes), { "server.address": address, ...(port && { "server.port": port }) })
    assert.strictEqual("server.port" in Object(attributes), port !== undefined)
  })
})

describe("an entry of Google Cloud", () => {
  it("has an identifier that no other has, in the order of the lines", () => {
    const idOf = (format: Format.Format) => String(read(format, recordOf([]))["logging.googleapis.com/insertId"])
    const ids = Array.from({ length: 2000 }, () => idOf(formats.gcp))
    assert.deepStrictEqual(ids.toSorted(), ids)
    assert.strictEqual(new Set([...ids, ...ids.map(() => idOf(Format.gcp()))]).size, 4000)
  })

  it.effect("says whether its trace is sampled, as the span is", () =>
    Effect.gen(function* () {
      const sampled = Effect.fnUntraced(function* (isSampled: boolean) {
        const lines: Array<string> = []
        const stream = { write: (line: string) => lines.push(line) }
        const log = Effect.withSpan(Effect.log("x"), "s", { sampled: isSampled })
        yield* Effect.provide(log, Log.layer({ format: formats.gcp, stream }))
        return JSON.parse(lines.join(""))["logging.googleapis.com/trace_sampled"]
      })
      assert.isTrue(yield* sampled(true))
      assert.isUndefined(yield* sampled(false))
    })
  )
})
