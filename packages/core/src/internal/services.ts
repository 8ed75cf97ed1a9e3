import * as Duration from "effect/Duration"
import type { ItemCode, ItemDetail } from "../CrawlCatalogue.ts"
import { isRetryable, permanent, throttled, transient, type Verdict } from "./verdict.ts"

/** Every detail that `classify.ts` can find. */
type Detail = { readonly [Code in ItemCode]: ItemDetail<Code> }[ItemCode]

const quick = transient("quick")
const once = transient("quick", 1)
const steady = transient("steady")

/**
 * Verdicts for calls between services. A crawler is in no hurry and has other pages; here a caller waits, and most faults pass in
 * seconds. Everything that AWS's SDK or RFC 9110 calls retryable is retryable here too.
 */
const verdicts = {
  // Nothing was sent, or nothing came back: a restart, a rollout, a connection that was idle for too long.
  connection_refused: quick,
  host_unreachable: quick,
  connect_timeout: quick,
  connection_reset: quick,
  truncated_body: quick,
  tls_interrupted: quick,
  response_timeout: steady,
  dns_unavailable: quick,
  // Resolvers lose a name for a moment, but a mistyped name must fail soon.
  dns_not_found: transient("quick", 2),
  no_answer: once,
  bad_http: once,
  bad_encoding: once,
  // The status of an answer.
  request_timeout: quick,
  too_early: quick,
  conflict: transient("steady", 2),
  rate_limited: throttled(),
  server_error: steady,
  bad_gateway: quick,
  unavailable: throttled(),
  origin_dns: steady,
  not_found: permanent,
  gone: permanent,
  forbidden: permanent,
  auth_required: permanent,
  // One customer's declined card says nothing about the account that all calls share.
  payment_required: permanent,
  too_large_request: permanent,
  legal_block: permanent,
  proxy_auth: permanent,
  client_error: permanent,
  unsupported: permanent,
  origin_tls: permanent,
  unfollowed_redirect: permanent,
  odd_status: permanent,
  bot_challenge: permanent,
  tls_certificate: permanent,
  tls_handshake: permanent,
  redirect_loop: permanent,
  bad_redirect: permanent,
  bad_link: permanent,
  // Faults on this side.
  network_down: steady,
  resources: steady,
  proxy: steady,
  proxy_login: permanent,
  local_policy: permanent,
  cancelled: permanent,
  defect: permanent,
  unknown: once,
  // Details that only a crawler reports.
  robots: permanent,
  robots_unreachable: steady,
  too_large: permanent,
  no_content: permanent,
  private_address: permanent,
  duplicate: permanent,
  context_length: permanent
} as const satisfies { readonly [D in Detail]: Verdict }

interface Reason {
  readonly detail?: string | undefined
  readonly status?: number
  readonly retryAfter?: unknown
}

/** The verdict on a reason of `classify.ts`; `undefined` if it found none. */
export const verdictOf = ({ detail, retryAfter, status }: Reason): Verdict | undefined => {
  if (detail === undefined || detail === "unknown" || !Object.hasOwn(verdicts, detail)) return undefined
  const verdict = verdicts[detail as Detail]
  // Two statuses are retryable only with a wait: 413, too large for now, and 403, which some sites use as a rate limit.
  const heeds = isRetryable(verdict) || status === 403 || status === 413
  return heeds && Duration.isDuration(retryAfter) ? throttled(retryAfter) : verdict
}
