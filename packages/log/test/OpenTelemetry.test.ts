import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as OpenTelemetry from "@redrive/log/OpenTelemetry"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { all, collector } from "./collector.ts"

interface Value {
  readonly [type: string]: unknown
}
interface Attribute {
  readonly key: string
  readonly value: Value
}

/** Attributes as a collector reads them. */
const read = (attributes: ReadonlyArray<Attribute>): { readonly [name: string]: unknown } =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

interface LogRecord {
  readonly severityText: string
  readonly body: Value
  readonly attributes: ReadonlyArray<Attribute>
  readonly traceId?: string
  readonly spanId?: string
}
interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly status: { readonly code: number }
  readonly attributes: ReadonlyArray<Attribute>
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: ReadonlyArray<Attribute> }>
}

const exported = Effect.fnUntraced(function* <A, E>(program: Effect.Effect<A, E>) {
  const { bodies, url } = yield* collector
  const otlp = Otlp.layerJson({ baseUrl: url, resource: { serviceName: "test" }, loggerMergeWithExisting: false }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )
  yield* Effect.exit(Effect.provide(program, Layer.provideMerge(OpenTelemetry.layer, otlp)))
  const of = (path: string) => bodies.filter(([to]) => to === path).map(([, body]) => body)
  return { logs: all<LogRecord>(of("/v1/logs"), "logRecords"), spans: all<Span>(of("/v1/traces"), "spans") }
})

const failure = new ItemError.ItemError({
  jobId: "j1",
  url: "https://u:p@example.com/a?token=t",
  reason: new ItemError.InternalError({ detail: "unknown", cause: new Error("read ECONNRESET") })
})

describe("what OpenTelemetry is told", () => {
  it.live("of a failure: a log record with its attributes, in the span that it happened in, which has its type", () =>
    Effect.gen(function* () {
      const { logs, spans } = yield* exported(
        Effect.fail(failure).pipe(
          Effect.withErrorReporting,
          Effect.annotateLogs({ tenant: "acme" }),
          Effect.withSpan("crawl")
        )
      )
      const [log, ...more] = logs
      const [span] = spans
      assert.isEmpty(more)
      assert.strictEqual(log?.severityText, "Error")
      assert.deepStrictEqual(log?.body, { stringValue: failure.message })
      assert.deepInclude(read(log?.attributes ?? []), {
        tenant: "acme",
        "error.type": "internal_error",
        "exception.type": "ItemError",
        "exception.message": failure.message,
        "url.full": "https://example.com/a",
        "redrive.job.id": "j1",
        "redrive.fingerprint": Report.make(failure).fingerprint
      })
      assert.deepStrictEqual([log?.traceId, log?.spanId], [span?.traceId, span?.spanId])
      assert.strictEqual(span?.status.code, 2)
      assert.deepInclude(read(span?.attributes ?? []), { "error.type": "internal_error", "redrive.actor": "operator" })
    })
  )

  it.live("of a failure: a status is a whole number if it is one of HTTP, and the failure's own if it is not", () =>
    Effect.gen(function* () {
      class Declined extends Schema.TaggedError<Declined>("log/test/Declined")("Declined", {
        status: Schema.Union([Schema.Finite, Schema.String])
      }) {}
      const report = (status: number | string) => ErrorReporter.report(Cause.fail(new Declined({ status })))
      const { logs } = yield* exported(Effect.andThen(report(503), report("declined")))
      const [answered, declined] = logs.map(({ attributes }) =>
        attributes.filter(({ key }) => key.endsWith("status_code") || key.endsWith("status"))
      )
      assert.deepStrictEqual(answered, [{ key: "http.response.status_code", value: { intValue: 503 } }])
      assert.deepStrictEqual(declined, [{ key: "redrive.status", value: { stringValue: "declined" } }])
    })
  )

  it.live("of retries: an event for each attempt that failed", () =>
    Effect.gen(function* () {
      const attempt = (number: number) =>
        Observer.tell(() => ({
          _tag: "AttemptFailed",
          name: "page",
          attempt: number,
          error: failure,
          verdict: Verdict.transient("quick"),
          duration: Duration.millis(20)
        }))
      const { spans } = yield* exported(Effect.withSpan(Effect.andThen(attempt(1), attempt(2)), "crawl"))
      const events = spans[0]?.events ?? []
      assert.deepStrictEqual(
        events.map(({ attributes, name }) => [name, Number(read(attributes)["redrive.attempt"])]),
        [
          ["attempt failed", 1],
          ["attempt failed", 2]
        ]
      )
      assert.deepInclude(read(events[0]?.attributes ?? []), { "error.type": "internal_error", "redrive.call": "page" })
    })
  )

  it.live("of any log: bounded fields, and no secret", () =>
    Effect.gen(function* () {
      const program = Effect.log("my hunter22", { pages: 3, token: "t", big: "x".repeat(100_000) })
      const { logs } = yield* exported(Effect.provide(program, Report.layerSecrets(Redacted.make("hunter22"))))
      assert.deepStrictEqual(logs[0]?.body, { stringValue: "my <redacted>" })
      assert.deepInclude(read(logs[0]?.attributes ?? []), { token: "<redacted>" })
      assert.isBelow(JSON.stringify(logs).length, 5000)
    })
  )
})
