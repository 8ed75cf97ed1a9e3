import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"

// Verdicts between services, for failures without a verdict of their own.

const { permanent, throttled, transient } = Verdict

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })
const answered = (status: number, headers: { readonly [name: string]: string } = {}) =>
  Object.assign(new Error(`status ${status}`), { response: { status, headers } })

describe("between services", () => {
  const codes: ReadonlyArray<readonly [codes: string, expected: Verdict.Verdict]> = [
    ["ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH EHOSTDOWN EAI_AGAIN", transient("quick")],
    ["UND_ERR_CONNECT_TIMEOUT UND_ERR_SOCKET ESERVFAIL EREFUSED ETIMEOUT", transient("quick")],
    ["UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT", transient("steady")],
    ["ENOTFOUND EAI_NONAME ENODATA", transient("quick", 2)],
    ["ENETDOWN EMFILE ENOMEM EADDRINUSE", transient("steady")],
    ["DEPTH_ZERO_SELF_SIGNED_CERT CERT_HAS_EXPIRED ERR_TLS_CERT_ALTNAME_INVALID EPROTO ERR_INVALID_URL", permanent],
    ["ABORT_ERR UND_ERR_ABORTED EACCES UND_ERR_INVALID_ARG UND_ERR_REDIRECT_MAX", permanent],
    ["HPE_INVALID_CONSTANT Z_DATA_ERROR EWHATEVER", transient("quick", 1)]
  ]
  for (const [list, expected] of codes) {
    it(`${Verdict.format(expected)}: ${list}`, () => {
      for (const code of list.split(" ")) {
        assert.deepStrictEqual(Judge.verdictOf(coded(code)), expected, code)
        assert.deepStrictEqual(Judge.verdictOf(new TypeError("fetch failed", { cause: coded(code) })), expected, code)
        assert.deepStrictEqual(Judge.verdictOf(new AggregateError([coded(code), coded(code)])), expected, code)
      }
    })
  }

  const statuses: ReadonlyArray<readonly [statuses: ReadonlyArray<number>, expected: Verdict.Verdict]> = [
    [[408, 425, 502, 504, 522, 524], transient("quick")],
    [[500, 508, 529, 530], transient("steady")],
    [[409, 423], transient("steady", 2)],
    [[429, 503], throttled()],
    [[301, 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 417, 422, 426, 451], permanent],
    [[501, 505, 511, 525], permanent]
  ]
  for (const [list, expected] of statuses) {
    it(`${Verdict.format(expected)}: ${list.join(" ")}`, () => {
      for (const status of list) {
        assert.deepStrictEqual(Judge.verdictOf(answered(status)), expected, String(status))
        assert.deepStrictEqual(Judge.verdictOf({ statusCode: status }), expected, String(status))
        assert.deepStrictEqual(Judge.verdictOf({ _tag: "Wrapped", cause: answered(status) }), expected, String(status))
      }
    })
  }

  it("a server's wait is honoured wherever a retry may help", () => {
    const wait = throttled(Duration.seconds(7))
    for (const status of [408, 409, 413, 425, 429, 500, 502, 503, 504]) {
      assert.deepStrictEqual(Judge.verdictOf(answered(status, { "retry-after": "7" })), wait, String(status))
    }
    for (const status of [400, 401, 402, 404, 410, 422, 501]) {
      assert.deepStrictEqual(Judge.verdictOf(answered(status, { "retry-after": "7" })), permanent, String(status))
    }
  })

  it("one request does not park an account", () => {
    for (let status = 300; status <= 599; status += 1) {
      assert.notStrictEqual(Judge.verdictOf(answered(status))._tag, "Parked", String(status))
    }
    assert.deepStrictEqual(Judge.verdictOf(new Error("Proxy response (407) !== 200 when HTTP Tunneling")), permanent)
  })

  it("the crawler keeps its own pace", () => {
    const item = (reason: ItemError.Reason) => Judge.verdictOf(new ItemError.ItemError({ url: "http://x/", reason }))
    assert.deepStrictEqual(item(new ItemError.NameNotResolved({ detail: "connection_refused" })), transient("slow"))
    assert.deepStrictEqual(item(new ItemError.NameNotResolved({ detail: "dns_not_found" })), permanent)
    assert.deepStrictEqual(item(new ItemError.HostReturnedError({ status: 402 })), Verdict.parked("pay the site"))
  })
})
