/**
 * The catalogue of the crawl API: three job codes and four item codes, with the details that refine them.
 *
 * Codes and texts are the API's own error page, word for word. Verdicts, severities and actors are this project's judgement.
 * The set is closed for what is emitted; a code that is not here decodes to `Unrecognized`.
 *
 * @since 0.1.0
 */
import * as Catalogue from "./Catalogue.ts"
import { parked, permanent, throttled, transient } from "./Verdict.ts"

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
      status: 402,
      message: "Your balance is not enough to run this job",
      meaning: "The balance is not enough to run the job.",
      details: {}
    },
    invalid_request: {
      ...row(permanent, "Error", "caller"),
      status: 400,
      message: "{field} is invalid",
      meaning: "The request is invalid: its URL, say, or a parameter.",
      details: {
        unauthorized: answered(401, row(parked("log in"), "Fatal", "caller")),
        job_not_found: answered(404, row(permanent, "Error", "caller"))
      }
    },
    internal_error: {
      ...row(transient("steady"), "Error", "operator"),
      status: 500,
      message: "Internal server error",
      meaning: "Something went wrong inside the service.",
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
      status: 200,
      message: "Webpage returned error status code: {status}",
      meaning: "The page's status is not in 200-299, or the site gave no usable answer (status 0).",
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
        connect_timeout: row(transient("steady"), "Warn", "nobody"),
        response_timeout: row(transient("steady", 2), "Warn", "nobody"),
        connection_reset: row(transient("quick"), "Info", "nobody"),
        truncated_body: row(transient("quick", 2), "Warn", "site owner"),
        tls_certificate: row(permanent, "Warn", "site owner"),
        tls_handshake: row(permanent, "Warn", "site owner"),
        bad_http: row(transient("quick", 1), "Warn", "site owner"),
        bad_encoding: row(transient("quick", 1), "Warn", "site owner"),
        redirect_loop: row(permanent, "Warn", "site owner"),
        bad_redirect: row(permanent, "Warn", "site owner"),
        bad_link: row(permanent, "Info", "nobody"),
        too_large: row(permanent, "Warn", "caller"),
        no_content: row(permanent, "Info", "caller"),
        private_address: row(permanent, "Warn", "caller")
      }
    },
    website_access_denied: {
      ...row(permanent, "Warn", "caller"),
      status: 200,
      message: "Webpage returned access denied status code: {status}",
      meaning: "The website answered 403, or its robots.txt keeps crawlers out.",
      details: {
        forbidden: page([403], row(permanent, "Warn", "caller")),
        bot_challenge: row(permanent, "Warn", "site owner"),
        robots: row(permanent, "Info", "caller"),
        robots_unreachable: row(transient("slow"), "Warn", "site owner")
      }
    },
    name_not_resolved: {
      ...row(permanent, "Warn", "caller"),
      status: 200,
      message: "Connection refused",
      meaning: "The website's host name did not resolve, or nothing answers at its address.",
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
      status: 200,
      message: "Internal server error",
      meaning: "Something went wrong inside the service while it worked on the page.",
      details: {
        network_down: row(transient("steady"), "Fatal", "operator"),
        resources: row(transient("steady"), "Fatal", "operator"),
        proxy: row(transient("steady"), "Error", "operator"),
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
