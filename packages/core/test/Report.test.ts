import { execFileSync } from "node:child_process"
import process from "node:process"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

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

class Missing extends Data.TaggedError("Missing")<{
  readonly id: number
  readonly page?: string
  readonly password?: string
  readonly key?: Redacted.Redacted
}> {}

/** What `using` throws where closing fails as well; a class of it is newer than some runtimes. */
const suppressed = (error: unknown, suppressed: unknown) =>
  Object.assign(new Error("An error was suppressed"), { name: "SuppressedError", error, suppressed })

describe("a report", () => {
  it("of a client's error has the host of its request, and is one kind by the status of its answer", () => {
    const of = (url: string, status: number) => {
      const request = HttpClientRequest.get(url)
      const response = HttpClientResponse.fromWeb(request, new Response(undefined, { status }))
      const reason = new HttpClientError.StatusCodeError({ request, response })
      const { fingerprint, host } = Report.make(new HttpClientError.HttpClientError({ reason }))
      return { fingerprint, host }
    }
    const one = of("https://u:p@a.example:8443/one?token=t", 500)
    assert.strictEqual(one.host, "a.example:8443")
    assert.deepStrictEqual(of("https://a.example:8443/two", 500), one)
    assert.notStrictEqual(of("https://a.example:8443/one", 403).fingerprint, one.fingerprint)
    assert.strictEqual(of("https://b.example/one", 500).host, "b.example")
  })

  it("of a name that does not resolve has it as its host; of an aggregate it has none", () => {
    const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND a.example"), { hostname: "a.example" })
    assert.strictEqual(Report.make(new TypeError("fetch failed", { cause: unknown })).host, "a.example")
    const refused = Object.assign(new Error("refused"), { config: { url: "https://b.example/x" } })
    assert.strictEqual(Report.make(refused).host, "b.example")
    assert.isUndefined(Report.make(new AggregateError([unknown, refused])).host)
    assert.isUndefined(Report.make(Object.assign(new Error("no URL"), { config: { url: "/x" } })).host)
  })

  it("of any client's error is one kind by the status of its answer", () => {
    const clients: ReadonlyArray<(status: number) => object> = [
      (status) => ({ response: { status } }),
      (status) => ({ response: { statusCode: status } }),
      (status) => ({ status }),
      (status) => ({ $metadata: { httpStatusCode: status } })
    ]
    for (const of of clients) {
      const [gone, torn, again] = [403, 500, 500].map(
        (status) => Report.make(Object.assign(new Error(`the answer is ${status}`), of(status))).fingerprint
      )
      assert.notStrictEqual(gone, torn)
      assert.strictEqual(torn, again)
    }
  })

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

  const disk = "disk full"
  it.each([
    ["a text", new Error("saving failed", { cause: disk }), ["string: disk full at 0"]],
    ["a number", new Error("saving failed", { cause: 28 }), ["number: 28 at 0"]],
    [
      "a text deep within",
      new Error("a", { cause: new Error("b", { cause: disk }) }),
      ["Error: b at 0", "string: disk full at 1"]
    ],
    ["a text of a failure of ours", item(disk), ["string: disk full at 0"]],
    [
      "texts of an aggregate",
      new AggregateError([disk, new Error("b")], "all"),
      ["string: disk full at 0", "Error: b at 0"]
    ],
    [
      "members by name",
      Object.assign(new Error("invalid"), { errors: { name: new RangeError("too long"), mail: "no address" } }),
      ["string: mail: no address at 0", "RangeError: too long at 0"]
    ],
    [
      "texts by name",
      Object.assign(new Error("a"), { errors: { mail: ["is taken"], name: "too short" } }),
      ["string: mail: is taken at 0"]
    ],
    [
      "members alike",
      new AggregateError([new RangeError("bad"), new TypeError("bad")]),
      ["RangeError: bad at 0", "TypeError: bad at 0"]
    ],
    ["errors in a list", [new Error("b"), new Error("c")], ["Error: b at 0", "Error: c at 0"]],
    ["members in a Set", Object.assign(new Error("a"), { errors: new Set([new Error("b")]) }), ["Error: b at 0"]],
    [
      "what was suppressed",
      suppressed(new Error("closing"), new Error("writing")),
      ["Error: closing at 0", "Error: writing at 0"]
    ],
    [
      "a text that was suppressed",
      suppressed(new Error("closing"), disk),
      ["string: disk full at 0", "Error: closing at 0"]
    ],
    ["a text in Effect's cause", new Error("a", { cause: Cause.fail(disk) }), ["string: disk full"]],
    [
      "an error without a message",
      new Error("a", { cause: new Missing({ id: 5 }) }),
      ["Missing: Missing { id: 5 } at 0"]
    ]
  ])("lists %s that a failure wraps", (_, failure, expected) => {
    const told = Report.make(failure).causes.map(({ depth, message, name }) => `${name}: ${message} at ${depth}`)
    for (const one of expected) assert.include(told.join("; "), one)
    assert.isAtLeast(told.length, expected.length)
  })

  it.each([
    [
      "a class without a name of its own",
      new (class DataLoss extends Error {})("x"),
      { code: "DataLoss", message: "x" }
    ],
    ["a tag without a message", new Missing({ id: 5 }), { code: "Missing", message: "Missing { id: 5 }" }],
    [
      "a tag with secrets",
      new Missing({ id: 5, password: "p1", key: Redacted.make("p2") }),
      { message: "Missing { id: 5 }" }
    ],
    ["a tagged object", { _tag: "NotFound", page: "/a" }, { code: "NotFound", message: 'NotFound { page: "/a" }' }],
    ["a list of errors", [new Error("a"), new RangeError("b")], { code: "Array", message: "Array []" }],
    ["an answer", new Response(null, { status: 503 }), { code: "Response", message: "Response 503" }],
    ["bytes", Buffer.from("hello"), { code: "Buffer", message: "Buffer [5 bytes]" }],
    [
      "a list of messages",
      { statusCode: 400, message: ["too long", "too old"] },
      { message: "Object: too long; too old" }
    ],
    [
      "a row of its own",
      Object.assign(new RangeError("x"), { row: { actor: "me" }, code: "E1" }),
      { code: "RangeError", actor: "operator" as const }
    ],
    ["an object", { status: 500, body: { a: 1 } }, { code: "Object", message: "Object { status: 500 }" }],
    ["a list", ["a", 1, {}], { code: "Array", message: 'Array ["a",1]' }],
    ["an error without a message", new TypeError(""), { code: "TypeError", message: "TypeError" }],
    [
      "a code without a message",
      Object.assign(new AggregateError([new Error("x")]), { code: "ECONNREFUSED", other: 1 }),
      { code: "AggregateError", detail: "ECONNREFUSED", message: "AggregateError ECONNREFUSED" }
    ],
    [
      "a code",
      Object.assign(new Error("open"), { code: "ENOENT" }),
      { code: "Error", detail: "ENOENT", message: "open" }
    ],
    ["a number as code", Object.assign(new Error("dup"), { code: 11000 }), { detail: "11000" }],
    [
      "no code of a DOMException",
      new DOMException("aborted", "AbortError"),
      { code: "AbortError", message: "aborted" }
    ],
    [
      "an error of another realm",
      runInNewContext("class Lost extends Error {}; new Lost('x')"),
      { code: "Lost", message: "x" }
    ]
  ])("tells of %s", (_, failure, expected) => {
    assert.deepInclude(Report.make(failure), expected)
    assert.notMatch(JSON.stringify(Report.make(failure)), /p1|p2|"detail":"20"/)
  })

  it("has one class of failures whose message is made of their fields", () => {
    const of = (failure: unknown) => Report.make(failure).fingerprint
    assert.strictEqual(of(new Missing({ id: 5, page: "/a" })), of(new Missing({ id: 6, page: "/b" })))
    const coded = (code: string) => Object.assign(new AggregateError([]), { code })
    assert.notStrictEqual(of(coded("ECONNREFUSED")), of(coded("ETIMEDOUT")))
  })

  it("has the fields that only failures of ours have elsewhere, and what is known of others", () => {
    class PageLost extends Schema.TaggedError<PageLost>("test/PageLost")("PageLost", {
      url: Schema.URL,
      jobId: Schema.String,
      detail: Schema.String,
      reason: Schema.String,
      since: Schema.Date,
      shape: Schema.RegExp,
      // @effect-diagnostics-next-line schemaNumber:off
      share: Schema.Number
    }) {}
    const since = new Date("2026-11-27T01:02:03.004Z")
    const url = new URL("https://u:p@example.com/a?b=c")
    const lost = new PageLost({ url, jobId: "j1", detail: "d", reason: "moved", since, shape: /a/, share: NaN })
    const expected = {
      jobId: "j1",
      detail: "d",
      reason: "moved",
      since: since.toISOString(),
      shape: "/a/",
      share: "NaN"
    }
    assert.deepStrictEqual(Report.make(lost).attributes, { ...expected, url: "https://example.com/a" })
    const nested = Report.make(new Error("x", { cause: item() })).causes[0]
    assert.deepInclude(nested?.fields, { jobId: "j1", itemId: "i1", url: "https://example.com/a" })
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

describe("an observer of failures", () => {
  const told = (...causes: ReadonlyArray<Cause.Cause<unknown>>) => {
    const reports: Array<Report.Report> = []
    const layer = Observer.layer({ report: (report) => void reports.push(report) })
    return Effect.forEach(causes, (cause) => ErrorReporter.report(cause)).pipe(
      Effect.provide(layer),
      Effect.as(reports)
    )
  }

  it.effect("tells of each page that fails by what failed another, or was told of by itself", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.layer({ report: ({ host = "none" }) => void told.push(host) })
      const broken = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
      const reason = new ItemError.InternalError({ cause: broken })
      const pages = ["a", "b", "c"].map((host) => new ItemError.ItemError({ url: `https://${host}.example/`, reason }))
      const all = Effect.forEach([broken, ...pages, ...pages], (one) => ErrorReporter.report(Cause.fail(one)))
      yield* Effect.provide(all, observer)
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

  it.effect("tells of every error that one error caused, and of that", () =>
    Effect.gen(function* () {
      const socket = new Error("socket closed")
      const queries = ["a", "b"].map((name) => Cause.fail(new Error(`query ${name}`, { cause: socket })))
      const reports = yield* told(Cause.fail(socket), ...queries, ...queries)
      assert.deepStrictEqual(
        reports.map(({ message }) => message),
        ["socket closed", "query a", "query b"]
      )
    })
  )

  it.effect("tells of several failures together, though one of them was told alone", () =>
    Effect.gen(function* () {
      const [one, other] = [item(), item()]
      const all = [new AggregateError([one, other]), new AggregateError([new Error("another"), one])]
      assert.lengthOf(yield* told(Cause.fail(one), ...all.map((failure) => Cause.fail(failure))), 3)
    })
  )

  it.effect("tells of a failure that happens again, though it is one object, one text, or one effect", () =>
    Effect.gen(function* () {
      const failures: ReadonlyArray<Cause.Cause<unknown>> = [
        Cause.fail(new Error("not ready")),
        Cause.fail("not ready"),
        Cause.fail(item())
      ]
      const messages: Array<string> = []
      const reporting = Observer.layer({ report: ({ message }) => void messages.push(message) })
      const raised = Effect.forEach([...failures, ...failures], (cause) => ErrorReporter.report(cause))
      yield* Effect.gen(function* () {
        yield* raised
        assert.lengthOf(messages, 3)
        yield* TestClock.adjust("999 millis")
        yield* raised
        assert.lengthOf(messages, 3)
        yield* TestClock.adjust("1 millis")
        yield* raised
        assert.lengthOf(messages, 6)
      }).pipe(Effect.provide(reporting))
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
      const rude = () => {
        throw new Error("rude")
      }
      yield* ErrorReporter.report(Cause.fail("x")).pipe(Effect.provide(Observer.layer({ report: rude })))
    })
  )
})

describe("observers", () => {
  const event: Observer.Event = { _tag: "Recovered", name: "x", attempt: 2 }

  it.effect("hear every event in the order they were added, whoever else throws", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const rude = Observer.layer({
        event: () => {
          throw new Error("rude")
        }
      })
      const one = Observer.layer({ event: ({ name }) => heard.push(`one ${name}`) })
      const two = Observer.layer({ event: ({ name }) => heard.push(`two ${name}`) })
      yield* Observer.tell(() => event).pipe(
        Effect.provide(two.pipe(Layer.provideMerge(rude), Layer.provideMerge(one)))
      )
      assert.deepStrictEqual(heard, ["one x", "two x"])
    })
  )

  it.effect("need not be there", () => Observer.tell(() => event))
})
