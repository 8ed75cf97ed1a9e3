import { assert, describe, it } from "@effect/vitest"
import type * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"
import * as Format from "@redrive/log/Format"
import { ownOf } from "../src/internal/fields.ts"
import { json } from "../src/internal/json.ts"

// Names of ours, names that objects inherit or order in their own way, and names that JSON or a terminal must not show as they are.
const names = [
  "job",
  "level",
  "error",
  "code",
  "trace_id",
  "also",
  "7",
  "constructor",
  "__proto__",
  "",
  'a"b',
  "\u202E",
  "\ud800",
  "free"
]

const values: ReadonlyArray<Plain.Plain> = [
  "text",
  'a "quote"\n',
  "\u001B[2K\u2028\u202E",
  "half \ud800, whole \u{1F600}",
  -0,
  1e21,
  0.1,
  Number.NaN,
  true,
  null,
  ["\u009F", { "\u2066": 1 }],
  {}
]

const valueAt = (index: number): Plain.Plain => values[index % values.length] ?? null

const report = Report.make(
  Object.assign(new Error("it failed: \u202E", { cause: new Error("why") }), { code: "E", port: 1 })
)

const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true }

/** Records with each two names, once among the annotations and once among the fields, and with and without a failure and a trace. */
const records = names.flatMap((one, first) =>
  names.flatMap((other, second) =>
    [[], [{ ...report, attributes: { [one]: "its own", port: 1 } }], [report, report]].map(
      (reports, index): Format.Record => ({
        date: new Date(Date.UTC(2026, 10, 24, 1, 2, 3, first)),
        level: "Info",
        message: ["crawling", report.message, 'a "b"\u0007'][(first + second) % 3] ?? "",
        annotations: { [one]: valueAt(first + second), stay: 1 },
        fields: { [other]: valueAt(first * 3 + second + index) },
        reports,
        ...(second % 2 === 0 && { trace })
      })
    )
  )
)

describe("a line of our JSON", () => {
  it("is that of an object with all of its fields, also where they share names", () => {
    for (const record of records) assert.strictEqual(Format.json(record), json(ownOf(record)))
  })

  it("has long texts as JSON has them, in lines or not, whatever is in them", () => {
    const stack = "Error: no\n    at read (file:///a.js:1:1)\n".repeat(20)
    for (const odd of [
      "",
      '"',
      "\\",
      "\t",
      "\r\n",
      "\u0000",
      "\u007F",
      "\u009B",
      "\u2028",
      "\u202E",
      "é",
      "\ud800",
      "\u{1F600}"
    ]) {
      const texts = [odd + stack, `${stack.slice(0, 300)}${odd}${stack}`, stack + odd, "x".repeat(300) + odd]
      for (const text of texts) {
        const record: Format.Record = {
          date: new Date(0),
          level: "Error",
          message: text,
          annotations: {},
          fields: { text },
          reports: []
        }
        const line = Format.json({ ...record, reports: [{ ...report, stack: text }] })
        assert.deepStrictEqual(
          JSON.parse(line).stack,
          text.toWellFormed() === text ? text : JSON.parse(JSON.stringify(text))
        )
        assert.strictEqual(Format.json(record), json(ownOf(record)))
        assert.strictEqual(line, json(ownOf({ ...record, reports: [{ ...report, stack: text }] })))
        assert.notMatch(line, /[\n\u007F-\u009F\u2028\u202E]/)
      }
    }
  })

  it("of fields that a program's own destination made has only what JSON has a form for", () => {
    const odd: { readonly [name: string]: unknown } = { missing: undefined, call: () => 1, when: new Date(0) }
    const record = { date: new Date(0), level: "Info", message: "", annotations: {}, fields: odd, reports: [] } as never
    assert.deepStrictEqual(JSON.parse(Format.json(record)), {
      timestamp: "1970-01-01T00:00:00.000Z",
      level: "info",
      message: "",
      when: "1970-01-01T00:00:00.000Z"
    })
  })
})
