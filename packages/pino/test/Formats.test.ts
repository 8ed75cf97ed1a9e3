import { assert, describe, it } from "@effect/vitest"
import { ecsFormat } from "@elastic/ecs-pino-format"
import { createGcpLoggingPinoConfig } from "@google-cloud/pino-logging-gcp-config"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import type * as Destination from "@redrive/log/Destination"
import * as Format from "@redrive/log/Format"
import * as Log from "@redrive/log/Log"
import * as Pino from "@redrive/pino/Pino"
import * as Effect from "effect/Effect"
import pino from "pino"

type Line = { readonly [name: string]: unknown }

const service = { service: "crawler", version: "1.2.3" }

const elastic = () =>
  ecsFormat({ serviceName: service.service, serviceVersion: service.version, apmIntegration: false })

const google = () =>
  createGcpLoggingPinoConfig({
    serviceContext: service,
    traceGoogleCloudProjectId: "p",
    inihibitDiagnosticMessage: true
  })

/** What each record of a program is, as our format and as a pino with the official one write it. */
const bothOf = Effect.fnUntraced(function* (
  program: Effect.Effect<unknown, unknown>,
  options: pino.LoggerOptions,
  format: Format.Format
) {
  const written: Array<string> = []
  const official = Pino.destination(pino(options, { write: (line: string) => void written.push(line) }))
  const ours: Array<Line> = []
  const destination: Destination.Destination = {
    ...official,
    write: (record) => {
      ours.push(JSON.parse(format(record)))
      official.write(record)
    }
  }
  yield* Effect.exit(Effect.provide(program, Log.layer({ destination })))
  const theirs: ReadonlyArray<Line> = written.map((line) => JSON.parse(line))
  return ours.map((line, index) => ({ ours: line, theirs: theirs[index] ?? {} }))
})

const place = { jobId: "j1", itemId: "i1", url: "https://u:p@example.com:8080/a?token=t" }
const unavailable = Failure.withoutStack(
  () => new ItemError.ItemError({ ...place, reason: new ItemError.HostReturnedError({ status: 503 }) })
)
const broken = new ItemError.ItemError({
  ...place,
  reason: new ItemError.InternalError({ detail: "unknown", cause: new TypeError("x is no function") })
})
const wrong = new RangeError("too much", { cause: new Error("of it") })

const failures = Effect.forEach([unavailable, broken, wrong], (failure) =>
  Effect.withErrorReporting(Effect.fail(failure)).pipe(Effect.ignore)
)
const program = Effect.withSpan(Effect.andThen(Effect.log("crawling", { pages: 3 }), failures), "crawl")

/** A document with an object for each dot in its names, as Elasticsearch keeps it. */
const flat = (document: unknown, path = ""): Line => {
  if (typeof document !== "object" || document === null) return { [path]: document }
  const parts = Object.entries(document).map(([name, value]) => flat(value, path === "" ? name : `${path}.${name}`))
  return Object.fromEntries(parts.flatMap((part) => Object.entries(part)))
}

/** One line beside another: what both have, what only one has, and where they differ. */
const compare = (ours: Line, theirs: Line) => {
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].toSorted()
  return {
    differ: names.filter((name) => name in ours && name in theirs && ours[name] !== theirs[name]),
    onlyOurs: names.filter((name) => !(name in theirs)),
    onlyTheirs: names.filter((name) => !(name in ours))
  }
}

describe("with Elastic's format", () => {
  it.effect("a failure has the fields that Format.ecs gives it", () =>
    Effect.gen(function* () {
      const lines = yield* bothOf(program, elastic(), Format.ecs(service))
      assert.lengthOf(lines, 4)
      for (const { ours, theirs } of lines.map((line) => ({ ours: flat(line.ours), theirs: flat(line.theirs) }))) {
        const { differ, onlyOurs, onlyTheirs } = compare(ours, theirs)
        // The format's own version of the schema; and pino takes the time as it writes.
        assert.includeMembers(["@timestamp", "ecs.version"], differ)
        // A field of the program's is where the program puts it, and a label for us, since only labels may have any name.
        assert.deepStrictEqual(onlyOurs, "pages" in theirs ? ["labels.pages"] : [])
        const ofProcess = ["event.dataset", "host.hostname", "process.pid"]
        assert.deepStrictEqual(onlyTheirs, "pages" in theirs ? [...ofProcess, "pages"].toSorted() : ofProcess)
      }
      const [, first, second, third] = lines.map(({ theirs }) => flat(theirs))
      assert.deepInclude(first, {
        "error.code": "host_returned_error",
        "error.type": "ItemError",
        "error.message": unavailable.message,
        "http.response.status_code": 503,
        "labels.job": "j1"
      })
      assert.notProperty(first, "error.stack_trace")
      assert.match(String(second?.["error.stack_trace"]), /^TypeError: x is no function\n {4}at /)
      assert.deepInclude(third, { "error.type": "RangeError", "error.message": "too much" })
      assert.match(String(third?.["labels.causes"]), /of it/)
    })
  )

  it.effect("no text takes the place of an object of the schema, whoever named it, and none is lost", () =>
    Effect.gen(function* () {
      const own = {
        url: "u",
        host: "h",
        error: "e",
        http: "t",
        service: "s",
        labels: "l",
        tags: ["a"],
        user: { id: "1" }
      }
      const logged = Effect.logError("failed", wrong, { ...own, host: "field" })
      const lines = yield* bothOf(Effect.annotateLogs(logged, own), elastic(), Format.ecs(service))
      const line = lines[0]?.theirs ?? {}
      assert.deepInclude(line, { url_: "u", host_: "h", error_: "e", http_: "t", service_: "s", labels_: "l" })
      assert.deepInclude(line, { host__: "field", tags: ["a"], user: { id: "1" } })
      const paths = Object.keys(flat(line))
      for (const path of paths)
        assert.isEmpty(
          paths.filter((other) => other.startsWith(`${path}.`)),
          path
        )
      assert.deepInclude(Object(line.error), { type: "RangeError" })
    })
  )

  it.effect("labels of the program's own stay, beside ours", () =>
    Effect.gen(function* () {
      const logged = Effect.annotateLogs(Effect.logError("failed", wrong), { labels: { tenant: "acme" } })
      const lines = yield* bothOf(logged, elastic(), Format.ecs(service))
      assert.deepInclude(flat(lines[0]?.theirs), { "labels.tenant": "acme", "labels.actor": "operator" })
    })
  )

  it.effect("an annotation takes the place of no fact", () =>
    Effect.gen(function* () {
      const reason = new ItemError.HostReturnedError({ status: 503, detail: "unavailable" })
      const failing = new ItemError.ItemError({ ...place, reason })
      const records: Array<Format.Record> = []
      const destination: Destination.Destination = {
        accepts: () => true,
        write: (record) => void records.push(record),
        flush: Effect.void,
        lost: () => 0
      }
      const log = Effect.withSpan(Effect.logError("failed", failing, wrong, broken), "s")
      yield* Effect.provide(log, Log.layer({ destination }))
      const facts = records.flatMap((record) => Object.keys(Format.ecsFields(record)))
      const mine = Object.fromEntries([...new Set([...facts, "labels.causes"])].map((name) => [name, "mine"]))
      assert.includeMembers(facts, ["trace.id", "span.id", "error.code", "url.full", "server.port", "labels.also"])

      const [line] = yield* bothOf(Effect.annotateLogs(log, mine), elastic(), Format.ecs(service))
      for (const name of Object.keys(mine)) {
        assert.strictEqual(line?.theirs[`${name}_`], "mine", name)
        assert.notStrictEqual(line?.theirs[name], "mine", name)
      }
      assert.deepInclude(line?.theirs, { "url.full": "https://example.com:8080/a", "labels.actor": "site owner" })
    })
  )

  it.effect("a field stands in no object of a failure", () =>
    Effect.gen(function* () {
      const mine = { "error.message": "mine", "error.id": "7" }
      const log = Effect.logError("failed", mine, wrong).pipe(Effect.andThen(Effect.log("m", mine)))
      const [failed, plain] = yield* bothOf(log, elastic(), Format.ecs(service))
      assert.deepInclude(failed?.theirs, { "error.message_": "mine", "error.id_": "7" })
      assert.notProperty(failed?.theirs, "error.id")
      assert.deepInclude(plain?.theirs, mine)
    })
  )

  it.effect("that leaves errors to pino, they are pino's err", () =>
    Effect.gen(function* () {
      const lines = yield* bothOf(failures, ecsFormat({ convertErr: false, apmIntegration: false }), Format.json)
      assert.deepInclude(Object(lines[0]?.theirs.err), { type: "ItemError", status: 503 })
    })
  )
})

describe("with Google's format", () => {
  it.effect("no annotation and no field has a name that the format adds", () =>
    Effect.gen(function* () {
      const mine = { serviceContext: "c", "logging.googleapis.com/insertId": "i", trace_id: "t", span_id: "s" }
      const log = Effect.withSpan(
        Effect.andThen(Effect.annotateLogs(Effect.log("m"), mine), Effect.log("m", mine)),
        "s"
      )
      const lines = yield* bothOf(log, google(), Format.gcp({ ...service, project: "p" }))
      for (const { theirs } of lines) {
        assert.deepInclude(theirs, { serviceContext_: "c", "logging.googleapis.com/insertId_": "i", trace_id_: "t" })
        assert.deepInclude(theirs, { serviceContext: service })
        assert.match(String(theirs["logging.googleapis.com/trace"]), /^projects\/p\/traces\/[\da-f]{32}$/)
      }
    })
  )

  it.effect("a failure has the fields that Format.gcp gives it", () =>
    Effect.gen(function* () {
      const lines = yield* bothOf(program, google(), Format.gcp({ ...service, project: "p" }))
      assert.lengthOf(lines, 4)
      for (const { ours, theirs } of lines) {
        const { err, ...rest } = theirs
        const { type: _, name: __, ...facts } = Object(err)
        const { "logging.googleapis.com/insertId": id, serviceContext, ...line } = ours
        const { "logging.googleapis.com/insertId": theirId, serviceContext: theirContext, ...theirLine } = rest
        assert.deepStrictEqual([typeof id, serviceContext], [typeof theirId, theirContext])
        const { differ, onlyOurs, onlyTheirs } = compare(line, theirLine)
        assert.deepStrictEqual(differ, [])
        // Pino's own names for its level, process and time, of which Google reads the last one as it reads ours.
        assert.deepStrictEqual(onlyTheirs, ["hostname", "level", "pid", "timestamp"])
        // What is in pino's `err` by other names, and what sends a failure without a stack to Error Reporting, too.
        const named = { code: "type", error_level: "level" }
        const ofFailure = onlyOurs.filter((name) => !["time", "@type", "context"].includes(name))
        for (const name of ofFailure) {
          assert.deepStrictEqual(ours[name], Object(err)[Reflect.get(named, name) ?? name], name)
        }
        const { level: ___, message: ____, stack: _____, ...others } = facts
        assert.includeMembers(ofFailure, Object.keys(others))
      }
      const [plain, first, second, third] = lines.map(({ theirs }) => theirs)
      assert.deepInclude(plain, { severity: "INFO", "logging.googleapis.com/trace_sampled": true, pages: 3 })
      assert.match(String(plain?.["logging.googleapis.com/trace"]), /^projects\/p\/traces\/[\da-f]{32}$/)
      assert.deepInclude(first, { severity: "WARNING", message: unavailable.message })
      assert.notProperty(first, "stack_trace")
      assert.match(String(second?.stack_trace), /^TypeError: x is no function\n {4}at /)
      assert.match(String(third?.stack_trace), /^Error: of it\n {4}at /)
    })
  )

  it.effect("identifiers of both are in the order of the lines", () =>
    Effect.gen(function* () {
      const many = Effect.forEach(Array.from({ length: 100 }), () => Effect.log("x"))
      const lines = yield* bothOf(many, google(), Format.gcp(service))
      for (const side of ["ours", "theirs"] as const) {
        const ids = lines.map((line) => String(line[side]["logging.googleapis.com/insertId"]))
        assert.deepStrictEqual([...new Set(ids)].toSorted(), ids)
      }
    })
  )
})
