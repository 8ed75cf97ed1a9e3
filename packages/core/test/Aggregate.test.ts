import { connect, type LookupFunction } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const coded = (code: string, syscall?: string) => Object.assign(new Error(code), { code }, syscall && { syscall })
const fetchFailed = (cause: unknown) => new TypeError("fetch failed", { cause })

/** An aggregate of connection attempts as Node.js makes it, with the code of the first. */
const ofAttempts = (errors: ReadonlyArray<{ readonly code?: string }>) =>
  Object.assign(new AggregateError(errors), { code: errors[0]?.code })

/** Wraps as axios and got do: with the same code again. */
const copied = (cause: Error & { readonly code?: string | undefined }) =>
  Object.assign(new Error(cause.message, { cause }), { name: "AxiosError", code: cause.code })

const permutations = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  all.length < 2
    ? [all]
    : all.flatMap((one, index) => permutations(all.toSpliced(index, 1)).map((others) => [one, ...others]))

const meaning = (failure: unknown) => {
  const { code, detail } = Classify.thrown(failure)
  return `${code}/${detail}`
}

/** Members of an aggregate, and the meaning of them all: that of the one that got furthest. */
const cases: ReadonlyArray<readonly [expected: string, members: ReadonlyArray<object>]> = [
  ["name_not_resolved/connection_refused", [coded("ECONNREFUSED", "connect"), coded("ENETUNREACH", "connect")]],
  ["name_not_resolved/connection_refused", [coded("ECONNREFUSED"), coded("EACCES"), coded("EADDRNOTAVAIL")]],
  ["name_not_resolved/host_unreachable", [coded("EHOSTUNREACH"), coded("ENOTFOUND"), coded("ENETDOWN")]],
  ["name_not_resolved/dns_unavailable", [coded("ENOTFOUND"), coded("ESERVFAIL", "queryA")]],
  ["host_returned_error/connect_timeout", [coded("ECONNREFUSED"), coded("ETIMEDOUT", "connect"), coded("ENOTFOUND")]],
  ["host_returned_error/response_timeout", [coded("ETIMEDOUT", "connect"), coded("ETIMEDOUT", "read")]],
  [
    "host_returned_error/connection_reset",
    [coded("ECONNREFUSED"), coded("ECONNRESET"), coded("UND_ERR_HEADERS_TIMEOUT")]
  ],
  [
    "host_returned_error/truncated_body",
    [coded("ECONNRESET"), new TypeError("terminated", { cause: coded("ECONNRESET") })]
  ],
  ["host_returned_error/tls_certificate", [coded("CERT_HAS_EXPIRED"), coded("ECONNREFUSED"), new Error("x")]],
  ["host_returned_error/unavailable", [coded("ECONNRESET"), { status: 503 }, { status: 404 }, new Error("x")]],
  ["website_access_denied/forbidden", [{ status: 403 }, coded("ECONNREFUSED"), new DOMException("stop", "AbortError")]],
  ["internal_error/cancelled", [new DOMException("stop", "AbortError"), new Error("x")]],
  ["internal_error/unknown", [new Error("x"), { reason: "y" }]]
]

describe("the order of an aggregate's members does not decide its meaning", () => {
  for (const [expected, members] of cases) {
    it(`${expected}: one of ${members.length}`, () => {
      for (const order of permutations(members)) {
        const [first = {}, ...rest] = order
        for (const failure of [
          new AggregateError(order),
          ofAttempts(order),
          fetchFailed(ofAttempts(order)),
          copied(ofAttempts(order)),
          copied(copied(ofAttempts(order))),
          new AggregateError([new AggregateError(rest), first]),
          new AggregateError([first, ofAttempts(rest)]),
          new AggregateError([copied(ofAttempts(order)), ofAttempts(rest)]),
          new AggregateError(order.map((cause) => new Error("wrapped", { cause }))),
          fetchFailed(new AggregateError(order.map((error) => fetchFailed(new AggregateError([error]))))),
          Cause.fromReasons(order.map(Cause.makeFailReason))
        ])
          assert.strictEqual(meaning(failure), expected)
      }
    })
  }

  it("nor the wait that it asks for", () => {
    const answers = [1, 3, 2].map((seconds) => ({ status: 503, headers: { "retry-after": `${seconds}` } }))
    for (const order of permutations<object>([...answers, { status: 429 }, coded("ECONNRESET")]))
      assert.deepStrictEqual(
        Classify.thrown(new AggregateError(order), 0).verdict,
        Verdict.throttled(Duration.seconds(3))
      )
  })

  it("and a wrapper that says more than a copied code decides", () => {
    const aggregate = ofAttempts([coded("ECONNREFUSED"), coded("ENETUNREACH")])
    const wrapper = (code: string) => Object.assign(new Error("x", { cause: aggregate }), { code })
    assert.strictEqual(meaning(wrapper("UND_ERR_CONNECT_TIMEOUT")), "host_returned_error/connect_timeout")
    assert.strictEqual(
      meaning(Object.assign(new AggregateError([new Error("x")]), { code: "ECONNREFUSED" })),
      "name_not_resolved/connection_refused"
    )
    assert.strictEqual(meaning({ cause: aggregate, error: coded("ENOTFOUND") }), "name_not_resolved/connection_refused")
  })

  it.live("when Node.js tries the addresses of a name in turn", () =>
    Effect.gen(function* () {
      const kinds = new Set<string>()
      for (const addresses of [
        ["127.0.0.1", "::1"],
        ["::1", "127.0.0.1"]
      ]) {
        const lookup: LookupFunction = (_name, _options, done) =>
          done(
            null,
            addresses.map((address) => ({ address, family: address === "::1" ? 6 : 4 }))
          )
        const failure = yield* Effect.callback<unknown>((resume) => {
          // Nothing listens on this port, which only the system may use.
          const socket = connect({ host: "two.invalid", port: 1, lookup, autoSelectFamily: true })
          socket.on("error", (error) => resume(Effect.succeed(error)))
        })
        assert.instanceOf(failure, AggregateError)
        kinds.add(meaning(failure))
      }
      assert.deepStrictEqual([...kinds], ["name_not_resolved/connection_refused"])
    })
  )
})
