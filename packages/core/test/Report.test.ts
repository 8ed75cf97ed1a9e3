import { execFileSync } from "node:child_process"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
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
      attributes: {},
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

  it("has the fields that a schema declares, and no others", () => {
    class Lost extends Schema.TaggedError<Lost>("test/Lost")("Lost", {
      parcel: Schema.String,
      weight: Schema.Finite,
      after: Schema.Duration,
      password: Schema.String,
      address: Schema.Struct({ street: Schema.String })
    }) {}
    const address = { street: "x" }
    const lost = new Lost({ parcel: "p1", weight: 2.5, after: Duration.minutes(3), password: "hunter2", address })
    const wrapped = Object.assign(new Error("no delivery", { cause: Object.assign(lost, { undeclared: "y" }) }), {
      z: 1
    })
    const report = Report.make(wrapped)
    assert.deepStrictEqual(report.attributes, {})
    assert.deepStrictEqual(report.causes[0]?.fields, { parcel: "p1", weight: 2.5, after: "3m" })
    assert.deepStrictEqual(Report.make(lost).attributes, { parcel: "p1", weight: 2.5, after: "3m" })
  })

  it("has what an error says of itself, and the fields that Node.js documents", () => {
    const socket = { code: "ECONNREFUSED", syscall: "connect", port: 80, inner: "x" }
    const refused = Object.assign(new Error("connect"), socket)
    const told = Object.assign(new Error("x", { cause: refused }), {
      [ErrorReporter.attributes]: { shelf: 7, bin: {} }
    })
    const { attributes, causes } = Report.make(told)
    assert.deepStrictEqual(attributes, { shelf: 7 })
    assert.deepStrictEqual(causes[0]?.fields, { syscall: "connect", port: 80 })
  })

  it("shows the members of an aggregate at one depth, and what they wrap below", () => {
    const members = [new Error("v6", { cause: new Error("no route") }), new Error("v4")]
    const { causes } = Report.make(new Error("connect", { cause: new AggregateError(members, "all failed") }))
    assert.deepStrictEqual(
      causes.map(({ depth, message }) => [depth, message]),
      [
        [0, "all failed"],
        [1, "v6"],
        [2, "no route"],
        [1, "v4"]
      ]
    )
  })

  it("has one stack, of what was thrown first, whose frames survive a message of any length", () => {
    const first = new TypeError("x".repeat(10_000_000))
    const { stack = "" } = Report.make(new Error("outer", { cause: new Error("middle", { cause: first }) }))
    assert.match(stack, /^TypeError: x{200}\n {4}at .*Report\.test\.ts/)
    assert.isBelow(stack.length, 30_000)
  })

  it("has a stack where a program is to blame, and none where a site or its caller is", () => {
    const thrown = (reason: ItemError.ItemError["reason"]) =>
      Report.make(new ItemError.ItemError({ url: "http://x/", reason })).stack
    const cause = new Error("boom")
    assert.match(thrown(new ItemError.InternalError({ cause })) ?? "", /^Error: boom\n {4}at /)
    assert.isUndefined(thrown(new ItemError.HostReturnedError({ status: 500, cause })))
  })

  it("is of each failure in a cause, once, and of no interruption", () => {
    const failure = item()
    const cause = Cause.fromReasons([
      ...Cause.fail(failure).reasons,
      ...Cause.interrupt(1).reasons,
      ...Cause.die(new Error("wrapped", { cause: failure })).reasons,
      ...Cause.die(new RangeError("bug")).reasons
    ])
    assert.deepStrictEqual(
      Report.fromCause(cause).map(({ code }) => code),
      ["host_returned_error", "RangeError"]
    )
  })

  it("has the same fingerprint in another process, from another line, with other particulars", () => {
    const program = (lines: number, id: string) =>
      [
        `import * as Report from ${JSON.stringify(new URL("../src/Report.ts", import.meta.url).href)}`,
        ...Array.from({ length: lines }, () => ""),
        `const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })`,
        `console.log(Report.make(new TypeError("parcel ${id} of 'shelf' lost at http://x/${id}", { cause })).fingerprint)`
      ].join("\n")
    const run = (lines: number, id: string) =>
      execFileSync(process.execPath, ["--input-type=module", "--eval", program(lines, id)], { encoding: "utf8" })
    assert.strictEqual(run(9, "b2f0c8f4-8a4e-4c86-9d0e-6f9d3d6e1a11"), run(1, "17"))
    const of = (message: string) => Report.make(new TypeError(message)).fingerprint
    assert.notStrictEqual(of("cannot read 'name'"), of("cannot read 'size'"))
    assert.strictEqual(of("17 of 3000 bytes"), of("1 of 3 bytes"))
  })

  it.prop(
    "is bounded, whatever the texts",
    { name: Schema.String, message: Schema.String, times: Schema.Literals([1, 100, 5000]) },
    ({ message, name, times }) => {
      const long = message.repeat(times)
      const error = Object.assign(new Error(long), { name: name.repeat(times), code: long, syscall: long })
      const all = new AggregateError(
        Array.from({ length: 50 }, () => error),
        long,
        { cause: error }
      )
      // Eight causes and what is around them, each text of 2000 units at most, of which JSON may write each as six.
      assert.isBelow(JSON.stringify(Report.make(all)).length, 6 * 2000 * 50)
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

  it.effect("tells of each page that fails by what failed another, or was told of by itself", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const reporter = Report.reporter(({ host = "none" }) => told.push(host))
      const broken = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
      const reason = new ItemError.InternalError({ cause: broken })
      const pages = ["a", "b", "c"].map((host) => new ItemError.ItemError({ url: `https://${host}.example/`, reason }))
      const all = Effect.forEach([broken, ...pages, ...pages], (one) => ErrorReporter.report(Cause.fail(one)))
      yield* Effect.provide(all, ErrorReporter.layer([reporter]))
      assert.deepStrictEqual(told, ["none", "a.example", "b.example", "c.example"])
    })
  )

  it.effect("tells of each failure once: raised again, wrapped, and as its reason alone", () =>
    Effect.gen(function* () {
      const failure = item()
      const reports = yield* told(
        Cause.fail(failure),
        Cause.fail(failure),
        Cause.fail({ _tag: "RetryExhausted", failure }),
        Cause.fail(failure.reason),
        Cause.die(new Error("wrapped", { cause: new Error("again", { cause: failure }) })),
        Cause.fail(item())
      )
      assert.lengthOf(reports, 2)
    })
  )

  it.effect("tells of each failure that one broken connection caused", () =>
    Effect.gen(function* () {
      const broken = new Error("connection lost")
      assert.lengthOf(yield* told(Cause.fail(item(broken)), Cause.fail(item(broken))), 2)
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
      yield* Observer.tell(() => event).pipe(
        Effect.provide(two.pipe(Layer.provideMerge(rude), Layer.provideMerge(one)))
      )
      assert.deepStrictEqual(heard, ["one x", "two x"])
    })
  )

  it.effect("need not be there", () => Observer.tell(() => event))
})
