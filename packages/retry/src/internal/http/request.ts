import type * as HttpBody from "effect/http/HttpBody"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type * as Operation from "../../Operation.ts"

/** Methods that change nothing: RFC 9110, section 9.2.1, and QUERY (draft-ietf-httpbis-safe-method-w-body). */
const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"])

/** Methods that have the same effect however often they are sent: RFC 9110, section 9.2.2. */
const idempotent: ReadonlySet<string> = new Set(["PUT", "DELETE"])

/**
 * The operation of a request: the policy's, if that says more than the default, else by its method, else by its Idempotency-Key. A key that
 * is not the first request's is made anew for each attempt, and tells no two of them for one.
 */
export const operationOf = (
  { headers, method }: HttpClientRequest,
  said: Operation.Operation,
  firstKey: string | undefined
): Operation.Operation => {
  if (said !== "read") return said
  if (safe.has(method)) return "read"
  const key = headers["idempotency-key"]
  return idempotent.has(method) || (key !== undefined && key === firstKey) ? "idempotent" : "create"
}

/** The default key of breakers and gates: scheme, host and port. */
export const keyOf = ({ url }: HttpClientRequest): string => (URL.canParse(url) ? new URL(url).origin : "")

/** Whether a body can be sent a second time. A raw body of an unknown type may be a stream, so it cannot. */
export const isReplayable = (body: HttpBody.HttpBody): boolean => {
  if (body._tag !== "Raw") return body._tag !== "Stream"
  const raw = body.body
  return (
    raw === null ||
    typeof raw !== "object" ||
    ArrayBuffer.isView(raw) ||
    [ArrayBuffer, Blob, FormData, URLSearchParams].some((type) => raw instanceof type)
  )
}
