/**
 * The catalogue of the crawl API: three job codes and four item codes, with the details that refine them.
 *
 * Codes and texts are the API's own error page, word for word. Verdicts, severities and actors are this project's judgement.
 * The set is closed for what is emitted; a code that is not here decodes to `Unrecognized`.
 *
 * @since 0.1.0
 */
import * as Catalogue from "./Catalogue.ts"
import { parked, permanent, throttled, transient } from "./internal/verdict.ts"

type Row = Catalogue.Row

const row = (verdict: Row["verdict"], severity: Row["severity"], actor: Row["actor"]): Row => ({
  verdict,
  severity,
  actor
})

/** A detail that stands for page statuses. */
const page = (pages: ReadonlyArray<number>, merits: Row): Catalogue.Detail => ({ ...merits, pages })

/** A detail of a job code that is answered with its own HTTP status. */
const answered = (status: number, merits: Row) => ({ ...merits, status })

/** A detail with a later code of the provider. A later code that several details share reads as the first of them. */
const later = (extended: string, merits: Row) => ({ ...merits, extended })

/**
 * Every failure of the crawl API.
 *
 * @category catalogues
 * @since 0.1.0
 */
export const catalogue = Catalogue.make({
  job: {
    insufficient_balance: {
      ...row(parked("top up"), "Fatal", "caller"),
      meaning: "The balance is not enough to run the job.",
      status: 402,
      message: "Your balance is not enough to run this job",
      details: {}
    },
    invalid_request: {
      ...row(permanent, "Error", "caller"),
      meaning: "The request is invalid: its URL or a parameter.",
      status: 400,
      message: "{field} is invalid",
      details: {
        unauthorized: answered(401, row(parked("log in"), "Fatal", "caller")),
        suspended: answered(403, row(parked("log in"), "Fatal", "caller")),
        job_not_found: answered(404, row(permanent, "Error", "caller"))
      }
    },
    internal_error: {
      ...row(transient("steady"), "Error", "operator"),
      meaning: "Something went wrong inside the service.",
      status: 500,
      message: "Internal server error",
      details: {
        api_throttled: answered(429, row(throttled(), "Warn", "operator")),
        api_unavailable: answered(503, row(transient("steady"), "Warn", "operator")),
        api_unreachable: row(transient("quick"), "Error", "operator"),
        bad_response: row(transient("quick", 1), "Error", "operator")
      }
    }
  },
  item: {
    host_returned_error: {
      ...row(transient("quick", 1), "Warn", "site owner"),
      meaning:
        "The page's status is not in 200-299 (403 has a code of its own), or the site gave no usable answer, and the status is 0.",
      status: 200,
      message: "Webpage returned error status code: {status}",
      details: {
        not_found: page([404], row(permanent, "Info", "nobody")),
        gone: page([410], row(permanent, "Info", "nobody")),
        auth_required: page([401], row(permanent, "Warn", "caller")),
        payment_required: page([402], row(parked("pay the site"), "Warn", "caller")),
        request_timeout: page([408], row(transient("quick"), "Info", "nobody")),
        conflict: page([409, 423], row(transient("steady", 2), "Info", "nobody")),
        too_large_request: page([413], row(permanent, "Warn", "caller")),
        too_early: page([425], row(transient("quick", 1), "Info", "nobody")),
        rate_limited: page([429], row(throttled(), "Warn", "caller")),
        legal_block: page([451], row(permanent, "Warn", "caller")),
        proxy_auth: page([407], row(permanent, "Warn", "site owner")),
        client_error: row(permanent, "Warn", "caller"),
        server_error: page([500], row(transient("steady", 2), "Warn", "site owner")),
        unsupported: page([501, 505, 510, 511], row(permanent, "Warn", "site owner")),
        bad_gateway: page([502, 504, 520, 521, 522, 523, 524, 527], row(transient("steady"), "Warn", "site owner")),
        unavailable: page([503], row(throttled(), "Warn", "site owner")),
        origin_tls: page([525, 526], row(permanent, "Warn", "site owner")),
        origin_dns: page([530], row(transient("slow"), "Warn", "site owner")),
        unfollowed_redirect: row(permanent, "Info", "caller"),
        odd_status: row(permanent, "Warn", "site owner"),
        bot_challenge: row(permanent, "Warn", "site owner"),
        response_timeout: later("timeout_error", row(transient("steady", 2), "Warn", "nobody")),
        connect_timeout: later("timeout_error", row(transient("steady"), "Warn", "nobody")),
        no_answer: later("webpage_non_success", row(transient("quick", 1), "Warn", "site owner")),
        connection_reset: later("webpage_non_success", row(transient("quick"), "Info", "nobody")),
        truncated_body: later("webpage_non_success", row(transient("quick", 2), "Warn", "site owner")),
        tls_certificate: later("ssl_cert_error", row(permanent, "Warn", "site owner")),
        tls_handshake: later("ssl_cert_error", row(permanent, "Warn", "site owner")),
        tls_interrupted: later("ssl_cert_error", row(transient("quick", 1), "Warn", "site owner")),
        bad_http: later("webpage_non_success", row(transient("quick", 1), "Warn", "site owner")),
        bad_encoding: later("webpage_non_success", row(transient("quick", 1), "Warn", "site owner")),
        redirect_loop: later("webpage_non_success", row(permanent, "Warn", "site owner")),
        bad_redirect: later("webpage_non_success", row(permanent, "Warn", "site owner")),
        bad_link: later("webpage_non_success", row(permanent, "Info", "nobody")),
        too_large: later("webpage_non_success", row(permanent, "Warn", "caller")),
        no_content: later("webpage_non_success", row(permanent, "Info", "caller")),
        private_address: row(permanent, "Warn", "caller"),
        duplicate: later("duplicate_item", row(permanent, "Info", "nobody"))
      }
    },
    website_access_denied: {
      ...row(permanent, "Warn", "caller"),
      meaning: "The website answered 403, or its robots.txt keeps crawlers out.",
      status: 200,
      message: "Webpage returned access denied status code: {status}",
      details: {
        forbidden: page([403], row(permanent, "Warn", "caller")),
        rate_limited: row(throttled(), "Warn", "caller"),
        bot_challenge: row(permanent, "Warn", "site owner"),
        robots: later("blocked_by_robots_txt", row(permanent, "Info", "caller")),
        robots_unreachable: later("blocked_by_robots_txt", row(transient("slow"), "Warn", "site owner"))
      }
    },
    name_not_resolved: {
      ...row(permanent, "Warn", "caller"),
      meaning: "The host name does not resolve, or nothing answers at its address.",
      status: 200,
      message: "Connection refused",
      details: {
        dns_not_found: {
          ...row(permanent, "Warn", "caller"),
          message: "Host name could not be resolved: {host}"
        },
        dns_unavailable: row(transient("slow"), "Warn", "operator"),
        connection_refused: row(transient("slow"), "Warn", "site owner"),
        host_unreachable: row(transient("slow"), "Warn", "site owner")
      }
    },
    internal_error: {
      ...row(transient("steady", 2), "Error", "operator"),
      meaning: "Something went wrong inside the service.",
      status: 200,
      message: "Internal server error",
      details: {
        network_down: row(transient("steady"), "Fatal", "operator"),
        resources: row(transient("steady"), "Fatal", "operator"),
        proxy: row(transient("steady"), "Error", "operator"),
        proxy_login: row(parked("log in to the proxy"), "Fatal", "operator"),
        local_policy: row(permanent, "Error", "operator"),
        cancelled: row(permanent, "Info", "nobody"),
        context_length: later("llm_max_context_length_error", row(permanent, "Warn", "caller")),
        defect: row(permanent, "Fatal", "operator"),
        unknown: row(transient("quick", 1), "Error", "operator")
      }
    }
  }
})

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
