/**
 * The catalogue of the crawl API: three job codes and four item codes, with the details that refine them.
 *
 * Codes and texts are the API's own error page, word for word. Verdicts, severities and actors are this project's judgement.
 * The set is closed for what is emitted; a code that is not here decodes to `Unrecognized`.
 *
 * @since 0.1.0
 */
import type * as Catalogue from "./Catalogue.ts"
import { parked, permanent, throttled, transient } from "./Verdict.ts"

/** A row with all its columns: what became of the request is said of everything. */
type Row = Required<Catalogue.Row>

type Told = {
  readonly [L in Catalogue.Level]: {
    readonly [code: string]: Row & { readonly details: { readonly [detail: string]: Row } }
  }
}

const row = (
  verdict: Row["verdict"],
  request: Row["request"],
  severity: Row["severity"],
  actor: Row["actor"]
): Row => ({ verdict, severity, actor, request })

/** A detail that stands for page statuses. */
const page = (pages: ReadonlyArray<number>, merits: Row) => ({ ...merits, pages })

/** A detail of a job code that is answered with its own HTTP status. */
const answered = (status: number, merits: Row) => ({ ...merits, status })

/** A detail with a later code of the provider. A later code that several details share reads as the first of them. */
const later = (extended: string, merits: Row) => ({ ...merits, extended })

/** Takes a catalogue as it is: a test checks this one, so that no program that starts has to. */
const unchecked: typeof Catalogue.make = (catalogue) => catalogue as never

/**
 * Every failure of the crawl API.
 *
 * @category catalogues
 * @since 0.1.0
 */
export const catalogue = unchecked({
  job: {
    insufficient_balance: {
      ...row(parked("top up"), "refused", "Fatal", "caller"),
      meaning: "The balance is not enough to run the job.",
      status: 402,
      message: "Your balance is not enough to run this job",
      details: {}
    },
    invalid_request: {
      ...row(permanent, "refused", "Error", "caller"),
      meaning: "The request is invalid: its URL or a parameter.",
      status: 400,
      message: "{field} is invalid",
      details: {
        unauthorized: answered(401, row(parked("log in"), "refused", "Fatal", "caller")),
        suspended: answered(403, row(parked("log in"), "refused", "Fatal", "caller")),
        job_not_found: answered(404, row(permanent, "refused", "Error", "caller"))
      }
    },
    internal_error: {
      ...row(transient("steady"), "sent", "Error", "operator"),
      meaning: "Something went wrong inside the service.",
      status: 500,
      message: "Internal server error",
      details: {
        api_throttled: answered(429, row(throttled(), "refused", "Warn", "operator")),
        api_unavailable: answered(503, row(transient("steady"), "sent", "Warn", "operator")),
        api_unreachable: row(transient("quick"), "unknown", "Error", "operator"),
        bad_response: row(transient("quick", 1), "sent", "Error", "operator")
      }
    }
  },
  item: {
    host_returned_error: {
      ...row(transient("quick", 1), "unknown", "Warn", "site owner"),
      meaning:
        "The page's status is not in 200-299 (403 has a code of its own), or the site gave no usable answer, and the status is 0.",
      status: 200,
      message: "Webpage returned error status code: {status}",
      details: {
        not_found: page([404], row(permanent, "refused", "Info", "nobody")),
        gone: page([410], row(permanent, "refused", "Info", "nobody")),
        auth_required: page([401], row(permanent, "refused", "Warn", "caller")),
        payment_required: page([402], row(parked("pay the site"), "refused", "Warn", "caller")),
        request_timeout: page([408], row(transient("quick"), "unknown", "Info", "nobody")),
        conflict: page([409, 423], row(transient("steady", 2), "refused", "Info", "nobody")),
        too_large_request: page([413], row(permanent, "refused", "Warn", "caller")),
        too_early: page([425], row(transient("quick", 1), "refused", "Info", "nobody")),
        rate_limited: page([429], row(throttled(), "refused", "Warn", "caller")),
        legal_block: page([451], row(permanent, "refused", "Warn", "caller")),
        proxy_auth: page([407], row(permanent, "refused", "Warn", "site owner")),
        client_error: row(permanent, "unknown", "Warn", "caller"),
        server_error: page([500], row(transient("steady", 2), "sent", "Warn", "site owner")),
        unsupported: page([501, 505, 510, 511], row(permanent, "sent", "Warn", "site owner")),
        bad_gateway: page(
          [502, 504, 520, 521, 522, 523, 524, 527],
          row(transient("steady"), "sent", "Warn", "site owner")
        ),
        unavailable: page([503], row(throttled(), "sent", "Warn", "site owner")),
        origin_tls: page([525, 526], row(permanent, "sent", "Warn", "site owner")),
        origin_dns: page([530], row(transient("slow"), "sent", "Warn", "site owner")),
        unfollowed_redirect: row(permanent, "sent", "Info", "caller"),
        odd_status: row(permanent, "sent", "Warn", "site owner"),
        bot_challenge: row(permanent, "unknown", "Warn", "site owner"),
        response_timeout: later("timeout_error", row(transient("steady", 2), "sent", "Warn", "nobody")),
        connect_timeout: later("timeout_error", row(transient("steady"), "unsent", "Warn", "nobody")),
        no_answer: later("webpage_non_success", row(transient("quick", 1), "unknown", "Warn", "site owner")),
        connection_reset: later("webpage_non_success", row(transient("quick"), "sent", "Info", "nobody")),
        truncated_body: later("webpage_non_success", row(transient("quick", 2), "sent", "Warn", "site owner")),
        tls_certificate: later("ssl_cert_error", row(permanent, "unsent", "Warn", "site owner")),
        tls_handshake: later("ssl_cert_error", row(permanent, "unknown", "Warn", "site owner")),
        tls_interrupted: later("ssl_cert_error", row(transient("quick", 1), "unknown", "Warn", "site owner")),
        bad_http: later("webpage_non_success", row(transient("quick", 1), "sent", "Warn", "site owner")),
        bad_encoding: later("webpage_non_success", row(transient("quick", 1), "sent", "Warn", "site owner")),
        redirect_loop: later("webpage_non_success", row(permanent, "sent", "Warn", "site owner")),
        bad_redirect: later("webpage_non_success", row(permanent, "sent", "Warn", "site owner")),
        bad_link: later("webpage_non_success", row(permanent, "unsent", "Info", "nobody")),
        too_large: later("webpage_non_success", row(permanent, "sent", "Warn", "caller")),
        no_content: later("webpage_non_success", row(permanent, "unknown", "Info", "caller")),
        private_address: row(permanent, "unknown", "Warn", "caller"),
        duplicate: later("duplicate_item", row(permanent, "unknown", "Info", "nobody"))
      }
    },
    website_access_denied: {
      ...row(permanent, "refused", "Warn", "caller"),
      meaning: "The website answered 403, or its robots.txt keeps crawlers out.",
      status: 200,
      message: "Webpage returned access denied status code: {status}",
      details: {
        forbidden: page([403], row(permanent, "refused", "Warn", "caller")),
        rate_limited: row(throttled(), "refused", "Warn", "caller"),
        bot_challenge: row(permanent, "refused", "Warn", "site owner"),
        robots: later("blocked_by_robots_txt", row(permanent, "unknown", "Info", "caller")),
        robots_unreachable: later("blocked_by_robots_txt", row(transient("slow"), "unknown", "Warn", "site owner"))
      }
    },
    name_not_resolved: {
      ...row(permanent, "unknown", "Warn", "caller"),
      meaning: "The host name does not resolve, or nothing answers at its address.",
      status: 200,
      message: "Connection refused",
      details: {
        dns_not_found: {
          ...row(permanent, "unsent", "Warn", "caller"),
          message: "Host name could not be resolved: {host}"
        },
        dns_unavailable: row(transient("slow"), "unsent", "Warn", "operator"),
        connection_refused: row(transient("slow"), "unsent", "Warn", "site owner"),
        host_unreachable: row(transient("slow"), "unsent", "Warn", "site owner")
      }
    },
    internal_error: {
      ...row(transient("steady", 2), "unknown", "Error", "operator"),
      meaning: "Something went wrong inside the service.",
      status: 200,
      message: "Internal server error",
      details: {
        network_down: row(transient("steady"), "unknown", "Fatal", "operator"),
        resources: row(transient("steady"), "unknown", "Fatal", "operator"),
        proxy: row(transient("steady"), "unknown", "Error", "operator"),
        proxy_login: row(parked("log in to the proxy"), "unknown", "Fatal", "operator"),
        local_policy: row(permanent, "unknown", "Error", "operator"),
        cancelled: row(permanent, "unknown", "Info", "nobody"),
        context_length: later("llm_max_context_length_error", row(permanent, "unknown", "Warn", "caller")),
        defect: row(permanent, "unknown", "Fatal", "operator"),
        unknown: row(transient("quick", 1), "unknown", "Error", "operator")
      }
    }
  }
}) satisfies Told

/**
 * The codes a job can fail with on the wire.
 *
 * @category models
 * @since 0.1.0
 */
export type JobCode = Catalogue.Code<typeof catalogue, "job">

/**
 * The codes an item can fail with on the wire.
 *
 * @category models
 * @since 0.1.0
 */
export type ItemCode = Catalogue.Code<typeof catalogue, "item">

/**
 * The details that refine an item code.
 *
 * @category models
 * @since 0.1.0
 */
export type ItemDetail<Code extends ItemCode> = Extract<keyof (typeof catalogue)["item"][Code]["details"], string>
