/** Reads the failures of Deno's fetch. They have no codes: only their messages, which come from Rust libraries, tell them apart. */
import * as Signals from "./signals.ts"

/** How far a request got, where to, and why it got no further. */
interface Request {
  readonly phase: string
  readonly url: string
  readonly why: string
}

// A URL has no spaces, so that no part of one can pass for what follows it.
const request =
  /^error sending request (?:for url \((\S+)\)|from \S+ for (\S+) \(\S+\)): client error \((\w+)\): (?:tcp connect error: |connection error: )?(.+)/s

const requestOf = (message: string): Request | undefined => {
  if (!message.startsWith("error sending request ")) return undefined
  const [, url, other = "", phase = "", why = ""] = request.exec(message) ?? []
  return phase === "" ? undefined : { phase, url: url ?? other, why }
}

/** The URL of a request that could not connect; `false` for any other failure, since the request may have been sent. */
export const unconnected = (message: string): string | false | undefined => {
  const found = requestOf(message)
  return found && found.phase === "Connect" && found.url
}

/** The beginnings of Deno's messages, and the Node.js codes that mean the same. */
const codes = [
  ["dns error: .*(?:not known|no record|os error 11001)", "ENOTFOUND"],
  ["dns error: ", "EAI_AGAIN"],
  ["invalid peer certificate: ", "CERT_REJECTED"],
  ["tls handshake eof$", "UNKNOWN_CERTIFICATE_VERIFICATION_ERROR"],
  ["received (?:fatal alert|corrupt message)", "EPROTO"],
  ["peer closed connection without|connection closed before message|channel closed$", "ECONNRESET"],
  ["(?:invalid (?:HTTP [\\w-]+|content-length) parsed|message head is too large)$", "ERR_ASSERTION"],
  ["error reading a body from connection", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"],
  ["(?:CRC computed does not match|unexpected end of file|Invalid gzip header|brotli error)$", "Z_DATA_ERROR"],
  ["Fetch failed: Maximum number of redirects", "UND_ERR_REDIRECT_MAX"],
  ["Fetch failed: Can not redirect to a non HTTP", "ERR_FR_REDIRECTION_FAILURE"],
  ["Fetch failed: Requests to port|Invalid URL: '|Url scheme '", "ERR_INVALID_URL"],
  // The numbers are those of Linux, macOS and Windows, where texts may be in any language.
  ["[^()]+ \\(os error (?:111|61|10061)\\)", "ECONNREFUSED"],
  ["[^()]+ \\(os error (?:104|54|10054|32)\\)", "ECONNRESET"],
  ["[^()]+ \\(os error (?:113|65|10065|101|51|10051)\\)", "EHOSTUNREACH"],
  ["[^()]+ \\(os error (?:110|60|10060)\\)", "ETIMEDOUT"],
  ["[^()]+ \\(os error (?:24|10024)\\)", "EMFILE"]
] as const

/** The beginning of a message that stands alone, unless it ends with a system error number, which almost no other message does. */
const begin = /^(?:error|dns|invalid|tls|received|peer|CRC|unexpected|Invalid|brotli|Fetch|Url) /

/** One group for each message; the first that matches is defined. */
const known = new RegExp(`^(?:(${codes.map(([begins]) => begins).join(")|(")}))`, "s")

/** The meaning of a message of Deno's. */
export const ofMessage = (message: string): Signals.Meaning | undefined => {
  if (!message.endsWith(")") && !begin.test(message)) return undefined
  const { phase, why } = requestOf(message) ?? { phase: "", why: message }
  const found = known.exec(why)
  if (found === null) return undefined
  const [, code = ""] = codes[found.slice(1).findIndex((group) => group !== undefined)] ?? []
  return code === "ETIMEDOUT" && phase !== "Connect" ? Signals.readTimeout : Signals.byCode.get(code)
}

/** Whether a message is about a URL other than the first. A redirect's URL has a base. */
export const isNoUrl = (message: string): boolean =>
  message.startsWith("Invalid URL: '") && !message.includes("' with base '")
