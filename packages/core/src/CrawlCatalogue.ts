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

const row = (verdict: Row["verdict"], severity: Row["severity"], actor: Row["actor"], meaning: string): Row => ({
  verdict,
  severity,
  actor,
  meaning
})

/** A detail that stands for page statuses. */
const page = (pages: ReadonlyArray<number>, merits: Row): Catalogue.Detail => ({ ...merits, pages })

/** A detail of a job code that is answered with its own HTTP status. */
const answered = (status: number, merits: Row) => ({ ...merits, status })

/** A detail that has a later code of the provider's; the first of a code is what the code alone means. */
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
      ...row(parked("top up"), "Fatal", "caller", "The balance is not enough to run the job."),
      status: 402,
      message: "Your balance is not enough to run this job",
      details: {}
    },
    invalid_request: {
      ...row(permanent, "Error", "caller", "The request is invalid: its URL or a parameter."),
      status: 400,
      message: "{field} is invalid",
      details: {
        unauthorized: answered(401, row(parked("log in"), "Fatal", "caller", "API key missing or wrong")),
        suspended: answered(403, row(parked("log in"), "Fatal", "caller", "account suspended")),
        job_not_found: answered(404, row(permanent, "Error", "caller", "no job of this id"))
      }
    },
    internal_error: {
      ...row(transient("steady"), "Error", "operator", "Something went wrong inside the service."),
      status: 500,
      message: "Internal server error",
      details: {
        api_throttled: answered(429, row(throttled(), "Warn", "operator", "too many calls")),
        api_unavailable: answered(503, row(transient("steady"), "Warn", "operator", "API down or overloaded")),
        api_unreachable: row(transient("quick"), "Error", "operator", "no answer from the API"),
        bad_response: row(transient("quick", 1), "Error", "operator", "an answer that is none of the API's")
      }
    }
  },
  item: {
    host_returned_error: {
      ...row(
        transient("quick", 1),
        "Warn",
        "site owner",
        "The page's status is not in 200-299 (403 has a code of its own), or the site gave no usable answer, and the status is 0."
      ),
      status: 200,
      message: "Webpage returned error status code: {status}",
      details: {
        not_found: page([404], row(permanent, "Info", "nobody", "no such page")),
        gone: page([410], row(permanent, "Info", "nobody", "page removed for good")),
        auth_required: page([401], row(permanent, "Warn", "caller", "page wants a login")),
        payment_required: page([402], row(parked("pay the site"), "Warn", "caller", "site wants to be paid")),
        request_timeout: page([408], row(transient("quick"), "Info", "nobody", "site tired of waiting for us")),
        conflict: page([409, 423], row(transient("steady", 2), "Info", "nobody", "page locked for the moment")),
        too_large_request: page([413], row(permanent, "Warn", "caller", "request too large; with Retry-After: later")),
        too_early: page([425], row(transient("quick", 1), "Info", "nobody", "site fears a replay")),
        rate_limited: page([429], row(throttled(), "Warn", "caller", "too many requests")),
        legal_block: page([451], row(permanent, "Warn", "caller", "withheld for legal reasons")),
        proxy_auth: page([407], row(permanent, "Warn", "site owner", "site plays a proxy")),
        client_error: row(permanent, "Warn", "caller", "any other 4xx"),
        server_error: page([500], row(transient("steady", 2), "Warn", "site owner", "500 and any other 5xx")),
        unsupported: page([501, 505, 510, 511], row(permanent, "Warn", "site owner", "site cannot do what was asked")),
        bad_gateway: page(
          [502, 504, 520, 521, 522, 523, 524, 527],
          row(transient("steady"), "Warn", "site owner", "server behind the site's front does not answer")
        ),
        unavailable: page([503], row(throttled(), "Warn", "site owner", "site overloaded or under maintenance")),
        origin_tls: page([525, 526], row(permanent, "Warn", "site owner", "bad certificate behind the site's front")),
        origin_dns: page([530], row(transient("slow"), "Warn", "site owner", "bad name behind the site's front")),
        unfollowed_redirect: row(permanent, "Info", "caller", "redirect not followed"),
        odd_status: row(permanent, "Warn", "site owner", "status outside 300-599"),
        bot_challenge: row(permanent, "Warn", "site owner", "site wants proof of a person"),
        response_timeout: later(
          "timeout_error",
          row(transient("steady", 2), "Warn", "nobody", "no complete answer in time")
        ),
        connect_timeout: later("timeout_error", row(transient("steady"), "Warn", "nobody", "no connection in time")),
        no_answer: later(
          "webpage_non_success",
          row(transient("quick", 1), "Warn", "site owner", "no usable answer, nothing says why")
        ),
        connection_reset: later(
          "webpage_non_success",
          row(transient("quick"), "Info", "nobody", "connection broke before an answer")
        ),
        truncated_body: later(
          "webpage_non_success",
          row(transient("quick", 2), "Warn", "site owner", "connection broke within the body")
        ),
        tls_certificate: later(
          "ssl_cert_error",
          row(permanent, "Warn", "site owner", "certificate expired, untrusted or another site's")
        ),
        tls_handshake: later(
          "ssl_cert_error",
          row(permanent, "Warn", "site owner", "no TLS version or cipher in common")
        ),
        tls_interrupted: later(
          "ssl_cert_error",
          row(transient("quick", 1), "Warn", "site owner", "connection broke within the TLS handshake")
        ),
        bad_http: later("webpage_non_success", row(transient("quick", 1), "Warn", "site owner", "answer is not HTTP")),
        bad_encoding: later(
          "webpage_non_success",
          row(transient("quick", 1), "Warn", "site owner", "body does not decompress")
        ),
        redirect_loop: later("webpage_non_success", row(permanent, "Warn", "site owner", "too many redirects")),
        bad_redirect: later(
          "webpage_non_success",
          row(permanent, "Warn", "site owner", "redirect to what is no web page")
        ),
        bad_link: later("webpage_non_success", row(permanent, "Info", "nobody", "link to what is no web page")),
        too_large: later("webpage_non_success", row(permanent, "Warn", "caller", "body larger than is read")),
        no_content: later("webpage_non_success", row(permanent, "Info", "caller", "body empty, or no text")),
        private_address: row(permanent, "Warn", "caller", "address not public"),
        duplicate: later("duplicate_item", row(permanent, "Info", "nobody", "same content as another page"))
      }
    },
    website_access_denied: {
      ...row(permanent, "Warn", "caller", "The website answered 403, or its robots.txt keeps crawlers out."),
      status: 200,
      message: "Webpage returned access denied status code: {status}",
      details: {
        forbidden: page([403], row(permanent, "Warn", "caller", "page not for us")),
        bot_challenge: row(permanent, "Warn", "site owner", "site wants proof of a person"),
        robots: later("blocked_by_robots_txt", row(permanent, "Info", "caller", "robots.txt keeps crawlers out")),
        robots_unreachable: later(
          "blocked_by_robots_txt",
          row(transient("slow"), "Warn", "site owner", "robots.txt unreadable: nothing is allowed")
        )
      }
    },
    name_not_resolved: {
      ...row(permanent, "Warn", "caller", "The host name does not resolve, or nothing answers at its address."),
      status: 200,
      message: "Connection refused",
      details: {
        dns_not_found: {
          ...row(permanent, "Warn", "caller", "no such host name"),
          message: "Host name could not be resolved: {host}"
        },
        dns_unavailable: row(transient("slow"), "Warn", "operator", "resolver fails or is silent"),
        connection_refused: row(transient("slow"), "Warn", "site owner", "nothing listens at the address"),
        host_unreachable: row(transient("slow"), "Warn", "site owner", "no way to the address")
      }
    },
    internal_error: {
      ...row(transient("steady", 2), "Error", "operator", "Something went wrong inside the service."),
      status: 200,
      message: "Internal server error",
      details: {
        network_down: row(transient("steady"), "Fatal", "operator", "our network is down"),
        resources: row(transient("steady"), "Fatal", "operator", "out of memory, files or ports"),
        proxy: row(transient("steady"), "Error", "operator", "our proxy failed"),
        proxy_login: row(parked("log in to the proxy"), "Fatal", "operator", "our proxy wants a login"),
        local_policy: row(permanent, "Error", "operator", "our machine forbids the connection"),
        cancelled: row(permanent, "Info", "nobody", "called off"),
        context_length: later(
          "llm_max_context_length_error",
          row(permanent, "Warn", "caller", "page too long for the language model")
        ),
        defect: row(permanent, "Fatal", "operator", "mistake in our program"),
        unknown: row(transient("quick", 1), "Error", "operator", "cause unknown")
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
