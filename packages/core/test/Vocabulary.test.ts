import * as constants from "node:constants"
import dns from "node:dns"
import { getSystemErrorMap } from "node:util"
import zlib from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Catalogue from "@redrive/core/Catalogue"
import * as Classify from "@redrive/core/Classify"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import { errors as undici } from "undici"

// Every word that the layers below can say, as the running versions list them: none is left without a meaning.

const coded = (code: string, syscall?: string) => Object.assign(new Error(code), { code }, syscall && { syscall })

/** One reason of the catalogue; its detail is one that the catalogue has. */
const meaning = (cause: unknown): string => {
  const reason = Classify.thrown(cause)
  assert.isDefined(Catalogue.row(catalogue, "item", reason.code, reason.detail))
  assert.isTrue(
    reason.detail !== undefined && Object.hasOwn(entryOf(reason.code).details, reason.detail),
    reason.message
  )
  return `${reason.code}/${reason.detail}`
}

const entryOf = (code: string) => {
  const entry = Catalogue.entry(catalogue, "item", code)
  if (entry === undefined) throw new Error(code)
  return entry
}

/** What only the other side, its name, or the way to it can bring about. */
const targetSide =
  "ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH EADDRNOTAVAIL EPROTO EOF ENOTCONN ESHUTDOWN EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME EAI_ADDRFAMILY EAI_PROTOCOL ENODATA"

describe("every system error of Node.js", () => {
  const codes = [...getSystemErrorMap().values()].map(([code]) => code)

  it("means something, and what the other side did is not our fault", () => {
    assert.isAbove(codes.length, 80)
    for (const code of codes) {
      const blamed = targetSide.split(" ").includes(code)
      assert.strictEqual(meaning(coded(code)).startsWith("internal_error/"), !blamed, code)
    }
  })

  it("means the same however it is wrapped", () => {
    for (const code of codes) {
      const plain = meaning(coded(code))
      assert.strictEqual(meaning(new TypeError("fetch failed", { cause: coded(code) })), plain, code)
      assert.strictEqual(meaning(new AggregateError([coded(code), coded(code)])), plain, code)
      assert.strictEqual(meaning({ _tag: "Wrapped", reason: { cause: { errors: [coded(code)] } } }), plain, code)
    }
  })
})

it("every error of the DNS resolver means that the name did not resolve, or a mistake of ours", () => {
  const codes = Object.values<unknown>(dns).filter(
    (value): value is string => typeof value === "string" && /^E[A-Z]+$/.test(value)
  )
  assert.isAbove(codes.length, 20)
  const ours = "EBADQUERY EBADFAMILY EBADSTR EBADFLAGS EBADHINTS EFILE ENOMEM EDESTRUCTION ENOTINITIALIZED"
  const windows = "ELOADIPHLPAPI EADDRGETNETWORKPARAMS ECANCELLED"
  for (const code of codes) {
    const expected = `${ours} ${windows}`.split(" ").includes(code) ? "internal_error" : "name_not_resolved"
    // A resolver's connection ends like any other: c-ares has no word of its own for it.
    if (code === "EOF") continue
    assert.strictEqual(meaning(coded(code, "queryA")).split("/")[0], expected, code)
  }
})

it("every error of undici means what its transport met", () => {
  const expected: { readonly [name: string]: string } = {
    AbortError: "internal_error/cancelled",
    BalancedPoolMissingUpstreamError: "internal_error/proxy",
    BodyTimeoutError: "host_returned_error/response_timeout",
    ClientClosedError: "internal_error/defect",
    ClientDestroyedError: "internal_error/defect",
    ConnectTimeoutError: "host_returned_error/connect_timeout",
    HTTPParserError: "host_returned_error/bad_http",
    HeadersOverflowError: "host_returned_error/bad_http",
    HeadersTimeoutError: "host_returned_error/response_timeout",
    InformationalError: "internal_error/unknown",
    InvalidArgumentError: "internal_error/defect",
    InvalidReturnValueError: "internal_error/unknown",
    MaxOriginsReachedError: "internal_error/resources",
    MaxRedirectsError: "host_returned_error/redirect_loop",
    MessageSizeExceededError: "host_returned_error/too_large",
    NotSupportedError: "internal_error/defect",
    ProxyConnectionError: "internal_error/proxy",
    RequestAbortedError: "internal_error/cancelled",
    RequestContentLengthMismatchError: "internal_error/defect",
    RequestRetryError: "host_returned_error/unavailable",
    ResponseContentLengthMismatchError: "host_returned_error/truncated_body",
    ResponseError: "host_returned_error/unavailable",
    ResponseExceededMaxSizeError: "host_returned_error/too_large",
    SecureProxyConnectionError: "internal_error/proxy",
    SocketError: "host_returned_error/connection_reset",
    Socks5ProxyError: "internal_error/proxy",
    UndiciError: "internal_error/unknown",
    WebAssemblyNotSupportedError: "internal_error/unknown"
  }
  const make = ([name, type]: [string, unknown]) => {
    const about = { headers: {}, data: { count: 0 }, body: "" }
    const args = name === "ResponseError" || name === "RequestRetryError" ? ["x", 503, about] : ["x"]
    if (name === "SecureProxyConnectionError") args.unshift(new Error("x") as never)
    return [name, meaning(Reflect.construct(type as new () => object, args))] as const
  }
  assert.deepStrictEqual(Object.fromEntries(Object.entries(undici).map(make)), expected)
})

it("every error of the HTTP parser is bad HTTP", () => {
  const codes =
    "INTERNAL STRICT CR_EXPECTED LF_EXPECTED UNEXPECTED_CONTENT_LENGTH UNEXPECTED_SPACE CLOSED_CONNECTION INVALID_METHOD INVALID_URL INVALID_CONSTANT INVALID_VERSION INVALID_HEADER_TOKEN INVALID_CONTENT_LENGTH INVALID_CHUNK_SIZE INVALID_STATUS INVALID_EOF_STATE INVALID_TRANSFER_ENCODING CB_MESSAGE_BEGIN CB_HEADERS_COMPLETE CB_MESSAGE_COMPLETE CB_CHUNK_HEADER CB_CHUNK_COMPLETE PAUSED PAUSED_UPGRADE USER HEADER_OVERFLOW"
  for (const code of codes.split(" ")) assert.strictEqual(meaning(coded(`HPE_${code}`)), "host_returned_error/bad_http")
})

it("every complaint about a certificate is one about the site's", () => {
  const codes =
    "UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_CRL UNABLE_TO_DECRYPT_CERT_SIGNATURE UNABLE_TO_DECRYPT_CRL_SIGNATURE UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY CERT_SIGNATURE_FAILURE CRL_SIGNATURE_FAILURE CERT_NOT_YET_VALID CERT_HAS_EXPIRED CRL_NOT_YET_VALID CRL_HAS_EXPIRED ERROR_IN_CERT_NOT_BEFORE_FIELD ERROR_IN_CERT_NOT_AFTER_FIELD ERROR_IN_CRL_LAST_UPDATE_FIELD ERROR_IN_CRL_NEXT_UPDATE_FIELD DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE CERT_CHAIN_TOO_LONG CERT_REVOKED INVALID_CA PATH_LENGTH_EXCEEDED INVALID_PURPOSE CERT_UNTRUSTED CERT_REJECTED HOSTNAME_MISMATCH ERR_TLS_CERT_ALTNAME_INVALID"
  for (const code of codes.split(" ")) {
    assert.strictEqual(meaning(coded(code)), "host_returned_error/tls_certificate", code)
  }
})

it("every failed decompression is the site's, but for a want of memory", () => {
  const codes = Object.keys(zlib.constants).filter((code) => /^Z_.*ERROR$/.test(code) && code !== "Z_ERRNO")
  assert.isAbove(codes.length, 3)
  for (const code of codes) {
    const expected = code === "Z_MEM_ERROR" ? "internal_error/resources" : "host_returned_error/bad_encoding"
    assert.strictEqual(meaning(coded(code)), expected, code)
  }
})

it("no operating system's constant is left without a meaning", () => {
  for (const code of Object.keys(constants).filter((name) => /^E[A-Z0-9]+$/.test(name))) meaning(coded(code))
})

describe("every status", () => {
  const answered = (status: number) => Classify.answered({ status, headers: {} }, 0)

  it("but success has one code, which is never our fault, and a detail of the catalogue", () => {
    const odd = [-1, 0, 1, 99, 600, 700, 999, 1000, 2 ** 31, 1.5, NaN, Infinity]
    for (const status of [...Array.from({ length: 500 }, (_, index) => 100 + index), ...odd]) {
      if (!Number.isInteger(status)) continue
      const reason = answered(status)
      if (status >= 200 && status <= 299) assert.isUndefined(reason)
      else {
        assert.strictEqual(reason?.code, status === 403 ? "website_access_denied" : "host_returned_error")
        if (status !== 0)
          assert.isTrue(Object.hasOwn(entryOf(reason?.code ?? "").details, reason?.detail ?? ""), `${status}`)
      }
    }
  })

  it("that is no whole number is an odd one, and throws nothing", () => {
    for (const status of [1.5, NaN, Infinity, -Infinity]) assert.strictEqual(answered(status)?.detail, "odd_status")
  })
})
