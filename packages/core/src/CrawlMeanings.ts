/**
 * The meaning of each detail of the crawl API's catalogue, for its documentation.
 *
 * It is separate from the catalogue, which is part of every program, since only the documentation needs it. A missing detail does not
 * compile.
 *
 * @since 0.1.0
 */
import type * as CatalogueDocs from "./CatalogueDocs.ts"
import type { catalogue } from "./CrawlCatalogue.ts"

/**
 * The meaning of each detail, by level and code. A code without details has none.
 *
 * @category catalogues
 * @since 0.1.0
 */
export const meanings: CatalogueDocs.Meanings<typeof catalogue> = {
  job: {
    insufficient_balance: {},
    invalid_request: {
      unauthorized: "The API key is missing or wrong.",
      suspended: "The account may not use the API.",
      job_not_found: "There is no job with this id."
    },
    internal_error: {
      api_throttled: "The API asks for fewer calls.",
      api_unavailable: "The API is down or overloaded.",
      api_unreachable: "No answer came from the API.",
      bad_response: "The answer does not have a format of the API."
    }
  },
  item: {
    host_returned_error: {
      not_found: "There is no such page.",
      gone: "The page was removed for good.",
      auth_required: "The page requires a login.",
      payment_required: "The site asks for payment.",
      request_timeout: "The site timed out while it waited for the request.",
      conflict: "The page is locked at the moment.",
      too_large_request: "The request is too large. With a Retry-After it is retried.",
      too_early: "The site suspects that the request is a replay.",
      rate_limited: "The site asks for fewer requests.",
      legal_block: "The page is withheld for legal reasons.",
      proxy_auth: "The site answers like a proxy that requires a login.",
      client_error: "The site refuses the request: any other 4xx.",
      server_error: "The site failed: 500, and any other 5xx.",
      unsupported: "The site does not support the request.",
      bad_gateway: "The server behind the site's front does not answer.",
      unavailable: "The site is overloaded or under maintenance.",
      origin_tls: "The site's front refuses the certificate of the server behind it.",
      origin_dns: "The site's front cannot resolve the server behind it.",
      unfollowed_redirect: "A redirect that leads nowhere, or is not followed.",
      odd_status: "A status that HTTP does not know.",
      bot_challenge: "The site wants proof that a person asks.",
      response_timeout: "There was no complete answer in time.",
      connect_timeout: "There was no connection in time.",
      no_answer: "There was no usable answer, for an unknown reason.",
      connection_reset: "The connection broke before an answer.",
      truncated_body: "The connection broke during the body.",
      tls_certificate: "The certificate is expired, untrusted, or another site's.",
      tls_handshake: "The site and the crawler have no TLS version or cipher in common.",
      tls_interrupted: "The TLS connection broke, during its handshake or later.",
      bad_http: "The answer is not HTTP.",
      bad_encoding: "The body does not decompress.",
      redirect_loop: "There are more redirects than the crawler follows.",
      bad_redirect: "A redirect to something that is not a web page.",
      bad_link: "The link leads to something that is not a web page.",
      too_large: "The body exceeds the size limit.",
      no_content: "The body is empty or not text.",
      private_address: "The address is not public.",
      duplicate: "Another page of the job has the same content."
    },
    website_access_denied: {
      forbidden: "The site refuses the page to the crawler.",
      rate_limited: "The site asks for fewer requests, and says when to come back.",
      bot_challenge: "The site wants proof that a person asks.",
      robots: "The site's robots.txt keeps crawlers out.",
      robots_unreachable: "The site's robots.txt cannot be read, so nothing is allowed."
    },
    name_not_resolved: {
      dns_not_found: "There is no such host name.",
      dns_unavailable: "The resolver fails, or does not answer.",
      connection_refused: "Nothing listens at the address.",
      host_unreachable: "There is no route to the address."
    },
    internal_error: {
      network_down: "The service's own network is down.",
      resources: "The service is out of memory, files or ports.",
      proxy: "The service's own proxy failed.",
      proxy_login: "The service's own proxy requires a login.",
      local_policy: "The service's own machine does not allow the connection.",
      cancelled: "The work was cancelled.",
      context_length: "The page is too long for the language model.",
      defect: "There is a bug in the service's program.",
      unknown: "Nothing is known about the cause."
    }
  }
}
