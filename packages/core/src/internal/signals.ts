import type { ItemCode, ItemDetail } from "../CrawlCatalogue.ts"

/** The meaning of a signal: an item code, and the detail that refines it. */
export type Meaning = {
  readonly [Code in ItemCode]: { readonly code: Code; readonly detail: ItemDetail<Code> }
}[ItemCode]

const host = (detail: ItemDetail<"host_returned_error">): Meaning => ({ code: "host_returned_error", detail })
const name = (detail: ItemDetail<"name_not_resolved">): Meaning => ({ code: "name_not_resolved", detail })
const ours = (detail: ItemDetail<"internal_error">): Meaning => ({ code: "internal_error", detail })

const all = (meaning: Meaning, codes: string) => codes.split(" ").map((code) => [code, meaning] as const)

/** All codes of Node.js for a certificate that it refuses, which happens before anything is sent. */
const certificates =
  "UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_CRL UNABLE_TO_DECRYPT_CERT_SIGNATURE UNABLE_TO_DECRYPT_CRL_SIGNATURE UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY CERT_SIGNATURE_FAILURE CRL_SIGNATURE_FAILURE CERT_NOT_YET_VALID CERT_HAS_EXPIRED CRL_NOT_YET_VALID CRL_HAS_EXPIRED ERROR_IN_CERT_NOT_BEFORE_FIELD ERROR_IN_CERT_NOT_AFTER_FIELD ERROR_IN_CRL_LAST_UPDATE_FIELD ERROR_IN_CRL_NEXT_UPDATE_FIELD DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE CERT_CHAIN_TOO_LONG CERT_REVOKED INVALID_CA PATH_LENGTH_EXCEEDED INVALID_PURPOSE CERT_UNTRUSTED CERT_REJECTED HOSTNAME_MISMATCH ERR_TLS_CERT_ALTNAME_INVALID"

/** Node.js's message for a connection that ends during the handshake; its code is that of a reset. */
export const cutHandshake = "Client network socket disconnected before secure TLS connection was established"

/** Error codes of Node.js, its DNS, TLS and zlib, of undici, and of Bun's fetch, by what they mean for a page. */
export const byCode: ReadonlyMap<string, Meaning> = new Map([
  ...all(name("dns_not_found"), "ENOTFOUND EAI_NONAME EAI_NODATA EAI_ADDRFAMILY ENODATA ENONAME EBADNAME"),
  ...all(
    name("dns_unavailable"),
    "EAI_AGAIN EAI_FAIL EAI_PROTOCOL ESERVFAIL ETIMEOUT EREFUSED EFORMERR ENOTIMP EBADRESP"
  ),
  // Before 1.4, Bun says the same of a name that does not resolve, and of a failed handshake.
  ...all(name("connection_refused"), "ECONNREFUSED ConnectionRefused"),
  ...all(name("host_unreachable"), "EHOSTUNREACH ENETUNREACH EHOSTDOWN EADDRNOTAVAIL FailedToOpenSocket"),
  ...all(host("connect_timeout"), "ETIMEDOUT UND_ERR_CONNECT_TIMEOUT ERR_SOCKET_CONNECTION_TIMEOUT"),
  ...all(host("response_timeout"), "UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT"),
  ...all(
    host("connection_reset"),
    "ECONNRESET EPIPE ECONNABORTED ENOTCONN ESHUTDOWN EOF UND_ERR_SOCKET ERR_SOCKET_CLOSED ERR_STREAM_PREMATURE_CLOSE ConnectionClosed"
  ),
  ...all(host("truncated_body"), "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"),
  ...all(host("tls_certificate"), certificates),
  ...all(host("tls_handshake"), "EPROTO"),
  // Bun before 1.4, for a handshake that was cut.
  ...all(host("tls_interrupted"), "UNKNOWN_CERTIFICATE_VERIFICATION_ERROR"),
  ...all(
    host("bad_http"),
    "UND_ERR_HEADERS_OVERFLOW ERR_ASSERTION InvalidHTTPResponse Malformed_HTTP_Response InvalidContentLength ResponseHeadersTooLarge"
  ),
  ...all(
    host("bad_encoding"),
    "Z_DATA_ERROR Z_BUF_ERROR Z_STREAM_ERROR Z_NEED_DICT Z_VERSION_ERROR ERR_TRAILING_JUNK_AFTER_STREAM_END ZlibError BrotliDecompressionError ZstdDecompressionError"
  ),
  ...all(
    host("bad_link"),
    "ERR_INVALID_URL ERR_INVALID_PROTOCOL ERR_UNSUPPORTED_PROTOCOL ERR_UNESCAPED_CHARACTERS RedirectURLInvalid"
  ),
  ...all(host("too_large"), "UND_ERR_RES_EXCEEDED_MAX_SIZE UND_ERR_WS_MESSAGE_SIZE_EXCEEDED"),
  ...all(host("redirect_loop"), "UND_ERR_REDIRECT_MAX ERR_FR_TOO_MANY_REDIRECTS TooManyRedirects"),
  ...all(host("bad_redirect"), "ERR_FR_REDIRECTION_FAILURE UnsupportedRedirectProtocol"),
  ...all(ours("network_down"), "ENETDOWN ENONET"),
  ...all(
    ours("resources"),
    "EMFILE ENFILE ENOMEM ENOBUFS ENOSPC EAGAIN EADDRINUSE EAI_MEMORY Z_MEM_ERROR UND_ERR_MAX_ORIGINS_REACHED"
  ),
  ...all(ours("local_policy"), "EACCES EPERM EAFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT"),
  ...all(ours("proxy"), "UND_ERR_BPL_MISSING_UPSTREAM"),
  ...all(
    ours("cancelled"),
    "UND_ERR_ABORTED UND_ERR_ABORT ABORT_ERR ERR_CANCELED ECANCELED ECANCELLED EAI_CANCELED EDESTRUCTION"
  ),
  ...all(
    ours("defect"),
    "UND_ERR_INVALID_ARG UND_ERR_REQ_CONTENT_LENGTH_MISMATCH UND_ERR_NOT_SUPPORTED UND_ERR_CLOSED UND_ERR_DESTROYED"
  )
])

/**
 * Codes that nothing but their detail has. The others that mean an unsent request are also said of later failures: `ETIMEDOUT` of an answer
 * that is late, `EHOSTUNREACH` of a connection that broke, `ETIMEOUT` of a query to a database.
 */
export const certain: ReadonlySet<string> = new Set(
  `ENOTFOUND ECONNREFUSED ${certificates} UND_ERR_CONNECT_TIMEOUT ERR_SOCKET_CONNECTION_TIMEOUT ERR_INVALID_URL ERR_INVALID_PROTOCOL ERR_UNESCAPED_CHARACTERS`.split(
    " "
  )
)

/** Prefixes of code families, for codes that are not listed one by one. */
export const byPrefix: ReadonlyArray<readonly [prefix: string, meaning: Meaning]> = [
  ["ERR_SSL_", host("tls_handshake")],
  ["ERR_TLS_", host("tls_handshake")],
  ["HPE_", host("bad_http")],
  ["ERR_HTTP2_", host("bad_http")],
  ["ERR_BROTLI", host("bad_encoding")],
  ["ERR__ERROR_FORMAT", host("bad_encoding")],
  ["ZSTD_", host("bad_encoding")],
  ["UND_ERR_PRX_", ours("proxy")],
  ["UND_ERR_SOCKS5", ours("proxy")]
]

/** Errors without a string code, by name or tag. */
export const byName: ReadonlyMap<string, Meaning> = new Map([
  ["HTTPParserError", host("bad_http")],
  ["TimeoutError", host("response_timeout")],
  ["InvalidUrlError", host("bad_link")],
  ["AbortError", ours("cancelled")]
])

/** Errors that only their message tells apart. Whole messages, since a wrapper's message may quote the page's URL. */
const byMessage: ReadonlyMap<string, Meaning> = new Map([
  ["redirect count exceeded", host("redirect_loop")],
  ["URL scheme must be a HTTP(S) scheme", host("bad_redirect")],
  ["unknown scheme", host("bad_link")],
  ["bad port", host("bad_link")],
  [cutHandshake, host("tls_interrupted")],
  // Bun's, which has no code for it.
  ["protocol must be http:, https: or s3:", host("bad_link")]
])

export const ofMessage = (message: string): Meaning | undefined => {
  if (!message.startsWith("Proxy response (")) return byMessage.get(message)
  const status = Number(message.slice(16, 19))
  if (status === 407) return ours("proxy_login")
  // The proxy refuses this client. A late or busy proxy would recover.
  const isRefusal = status >= 400 && status < 499 && status !== 408 && status !== 429
  return ours(isRefusal ? "local_policy" : "proxy")
}

/** A TLS connection that breaks after its handshake, by Node.js's code or message. */
export const brokenTls = /bad.record|decryption.failed|unexpected.eof|alert.internal.error|close.notify/i

export const tlsInterrupted = host("tls_interrupted")

/** A resolver that refuses queries: it has the code of a refused connection, but another system call. */
export const resolverRefused = name("dns_unavailable")

/** A connection that has gone silent: it has the code of a connect timeout, but another system call. */
export const readTimeout = host("response_timeout")

/** A connection that breaks after the body has begun. */
export const brokenBody = host("truncated_body")

/** Nothing in the chain is recognised. It counts as ours, since the site is not blamed without evidence. */
export const unknown = ours("unknown")

/**
 * The order in which an aggregate's members decide its meaning: the one that got furthest comes first. Answers are not listed and come
 * before all of them; the site's faults come before ours.
 */
const furthestFirst =
  "truncated_body bad_encoding too_large redirect_loop bad_redirect bad_http connection_reset response_timeout tls_interrupted tls_certificate tls_handshake connect_timeout connection_refused host_unreachable dns_unavailable dns_not_found bad_link proxy proxy_login network_down resources local_policy defect cancelled unknown".split(
    " "
  )

/** The index of a detail in that order; the smallest decides. */
export const rank = (detail: string | undefined): number => furthestFirst.indexOf(detail ?? "")
