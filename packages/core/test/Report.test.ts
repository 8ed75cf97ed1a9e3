import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

const item = (cause?: unknown) =>
  new ItemError.ItemError({
    jobId: "j1",
    itemId: "i1",
    url: "https://user:password@example.com/a?token=secret",
    reason: new ItemError.HostReturnedError({
      status: 0,
      detail: "connection_reset",
      ...(cause === undefined ? {} : { cause })
    })
  })

describe("a report", () => {
  it("of an item error has its place, its code and who acts", () => {
    const { fingerprint, ...report } = Report.make(item())
    assert.deepStrictEqual(report, {
      level: "item",
      code: "host_returned_error",
      detail: "connection_reset",
      message: "host_returned_error connection_reset at https://example.com/a",
      severity: "Info",
      actor: "nobody",
      jobId: "j1",
      itemId: "i1",
      url: "https://example.com/a",
      host: "example.com",
      attributes: { status: 0 },
      causes: []
    })
    assert.match(fingerprint, /^[0-9a-f]{16}$/)
  })

  it("of a job error has its level", () => {
    const error = new JobError.JobError({ operation: "run", jobId: "j1", reason: new JobError.InsufficientBalance({}) })
    assert.deepInclude(Report.make(error), {
      level: "job",
      code: "insufficient_balance",
      severity: "Fatal",
      actor: "caller",
      jobId: "j1"
    })
  })

  it("lists what caused it, outermost first, each saying something new", () => {
    const socket = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
    const wrapped = new TypeError("fetch failed", {
      cause: Object.assign(new Error("fetch failed"), { cause: socket })
    })
    assert.deepStrictEqual(Report.make(item(wrapped)).causes, [
      { name: "TypeError", message: "fetch failed", depth: 0 },
      { name: "Error", message: "read ECONNRESET", depth: 2, code: "ECONNRESET" }
    ])
  })

  it("of what wraps a failure is the failure's", () => {
    const failure = item()
    assert.deepStrictEqual(Report.make({ _tag: "RetryExhausted", failure }), Report.make(failure))
  })

  it("of a foreign error is the program's, with its stack", () => {
    const report = Report.make(new RangeError("at http://a:b@example.com/?q=secret too far"))
    assert.deepInclude(report, {
      level: "program",
      code: "RangeError",
      message: "at http://example.com/ too far",
      severity: "Error",
      actor: "operator"
    })
    assert.match(report.stack ?? "", /RangeError/)
    assert.notMatch(JSON.stringify(report), /secret|a:b@/)
  })

  it("has the same fingerprint for the same class of failure, and another for another", () => {
    const of = (url: string, status: number) =>
      Report.make(new ItemError.ItemError({ url, reason: new ItemError.HostReturnedError({ status }) })).fingerprint
    assert.strictEqual(of("https://example.com/a", 404), of("https://example.com/b?c", 404))
    assert.notStrictEqual(of("https://example.com/a", 404), of("https://example.com/a", 410))
    assert.notStrictEqual(of("https://example.com/a", 404), of("https://example.org/a", 404))
  })

  it("is made of anything, bounded, and can be written as JSON", () => {
    const cycle: Record<string, unknown> = { message: "round" }
    cycle.cause = cycle
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const throwing = {
      get message() {
        throw new Error("no")
      }
    }
    let deep: unknown = new Error("bottom")
    for (let depth = 0; depth < 10_000; depth++) deep = new Error("deep", { cause: deep })
    const large = new Error("x".repeat(10_000_000))
    for (const failure of [
      cycle,
      revoked.proxy,
      throwing,
      deep,
      large,
      Symbol("x"),
      10n,
      null,
      undefined,
      "text",
      [],
      () => 1
    ]) {
      const report = Report.make(failure)
      assert.strictEqual(report.level, "program")
      assert.isBelow(JSON.stringify(report).length, 30_000)
    }
  })

  it.prop(
    "shows no secret of a URL in it, wherever the URL stands",
    { before: Schema.String, after: Schema.String },
    ({ after, before }) => {
      const text = `${before} https://u:s3cret@example.com/a?t=s3cret ${after}`
      const report = Report.make(new Error(text, { cause: item(new Error(text)) }))
      assert.notInclude(JSON.stringify({ ...report, message: report.message }), "u:s3cret")
      assert.notInclude(JSON.stringify(report), "t=s3cret")
    }
  )
})

describe("a reporter", () => {
  const told = (...causes: ReadonlyArray<Cause.Cause<unknown>>) => {
    const reports: Array<Report.Report> = []
    const layer = ErrorReporter.layer([Report.reporter((report) => reports.push(report))])
    return Effect.forEach(causes, (cause) => ErrorReporter.report(cause)).pipe(
      Effect.provide(layer),
      Effect.as(reports)
    )
  }

  it.effect("tells of each failure once: raised again, wrapped, and as its reason alone", () =>
    Effect.gen(function* () {
      const failure = item()
      const reports = yield* told(
        Cause.fail(failure),
        Cause.fail(failure),
        Cause.fail({ _tag: "RetryExhausted", failure }),
        Cause.fail(failure.reason),
        Cause.fail(item())
      )
      assert.lengthOf(reports, 2)
    })
  )

  it.effect("tells of defects, not of interrupts and ignored errors, and survives hostile ones", () =>
    Effect.gen(function* () {
      const revoked = Proxy.revocable({}, {})
      revoked.revoke()
      const reports = yield* told(
        Cause.die(new TypeError("bug")),
        Cause.interrupt(1),
        Cause.fail(Object.assign(new Error("known"), { [ErrorReporter.ignore]: true })),
        Cause.fail(revoked.proxy)
      )
      assert.deepStrictEqual(
        reports.map(({ code }) => code),
        ["TypeError", "unreadable"]
      )
    })
  )

  it.effect("that throws changes nothing", () =>
    Effect.gen(function* () {
      const rude = Report.reporter(() => {
        throw new Error("rude")
      })
      yield* ErrorReporter.report(Cause.fail("x")).pipe(Effect.provide(ErrorReporter.layer([rude])))
    })
  )
})

describe("observers", () => {
  const event: Observer.Event = { _tag: "Recovered", name: "x", attempt: 2 }

  it.effect("hear every event in the order they were added, whoever else throws", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const rude = Observer.layer(() => {
        throw new Error("rude")
      })
      const one = Observer.layer(({ name }) => heard.push(`one ${name}`))
      const two = Observer.layer(({ name }) => heard.push(`two ${name}`))
      yield* Observer.tell(() => event).pipe(Effect.provide(two.pipe(Layer.provideMerge(rude), Layer.provideMerge(one))))
      assert.deepStrictEqual(heard, ["one x", "two x"])
    })
  )

  it.effect("need not be there", () => Observer.tell(() => event))
})
