import type * as CrawlCatalogue from "@redrive/core/CrawlCatalogue"
import type { Behaviour, Outcome } from "../Behaviour.ts"
import * as Answers from "./answers.ts"
import type { Handler } from "./exchange.ts"
import type { Link } from "./pages.ts"
import * as Raw from "./raw.ts"

/** A row of the public table, and what stands behind it. */
export interface Row extends Behaviour {
  readonly answer: Handler
}

const row = (path: string, name: string, summary: string, outcome: Outcome, answer: Handler): Row => ({
  path,
  name,
  summary,
  outcome,
  isPassing: false,
  answer
})

/** A row whose later visits succeed. */
const passing = (...args: Parameters<typeof row>): Row => ({ ...row(...args), isPassing: true })

const host = (detail: CrawlCatalogue.ItemDetail<"host_returned_error">): Outcome => ({
  code: "host_returned_error",
  detail
})

const name = (detail: CrawlCatalogue.ItemDetail<"name_not_resolved">): Outcome => ({
  code: "name_not_resolved",
  detail
})

const forbidden: Outcome = { code: "website_access_denied", detail: "forbidden" }

/** Ordinary pages: the start page links to the first half, each page to the next one and to one of the other half. */
const pageCount = 6
const numbered = (page: number) => `/page/${((page - 1) % pageCount) + 1}`
const onwards = (page: number): ReadonlyArray<Link> => [
  { href: numbered(page + 1), text: "next" },
  { href: numbered(page + pageCount / 2), text: "related" },
  { href: "/", text: "start" }
]

const index: Handler = (exchange) => Answers.page([...rows.map(linkOf), rawLink])(exchange)

/** No DNS label is longer than 63 letters: the name fails the same way with and without a network. */
const unresolvable = `http://${"nowhere-".repeat(8)}.invalid/`

const rawUnicode = "/unicode/größe/頁"
const longPath = `/long/${"long-url/".repeat(888)}`

/** Every behaviour of the site. */
export const rows: ReadonlyArray<Row> = [
  row("/", "start", "links to every behaviour", "ok", index),
  ...[1, 2, 3].map((page) =>
    row(numbered(page), `page ${page}`, "an ordinary page that links on", "ok", Answers.page(onwards(page)))
  ),
  row(
    "/status/401",
    "auth required",
    "401",
    host("auth_required"),
    Answers.status(401, { "www-authenticate": 'Basic realm="hostile"' })
  ),
  row("/status/403", "forbidden", "403", forbidden, Answers.status(403)),
  row("/status/404", "not found", "404", host("not_found"), Answers.status(404)),
  row("/status/410", "gone", "410", host("gone"), Answers.status(410)),
  row("/status/451", "legal block", "451", host("legal_block"), Answers.status(451)),
  row("/status/999", "odd status", "999", host("odd_status"), Answers.status(999)),
  passing(
    "/rate-limited",
    "rate limited",
    "429 with Retry-After in seconds; succeeds for who waits, refuses again who does not",
    host("rate_limited"),
    Answers.retryAfterSeconds(429)
  ),
  passing(
    "/unavailable",
    "unavailable",
    "503 with Retry-After as a date; succeeds for who waits, refuses again who does not",
    host("unavailable"),
    Answers.retryAfterDate(503)
  ),
  passing(
    "/flaky",
    "flaky",
    "500 twice, then a page",
    host("server_error"),
    Answers.failsFirst(2, Answers.status(500))
  ),
  passing(
    "/hiccup",
    "hiccup",
    "connection reset once, then a page",
    host("connection_reset"),
    Answers.failsFirst(1, Raw.reset)
  ),
  row(
    "/slow-headers",
    "slow headers",
    "nothing for the delay, then a page",
    host("response_timeout"),
    Answers.slowHeaders
  ),
  row(
    "/stalled-body",
    "stalled body",
    "half of a page, nothing for the delay, then the rest",
    host("response_timeout"),
    Answers.stalledBody
  ),
  row("/reset", "reset", "connection reset before a byte", host("connection_reset"), Raw.reset),
  row("/truncated", "truncated body", "less than its Content-Length", host("truncated_body"), Raw.truncated),
  row("/chunk-cut", "cut chunk", "closed in the middle of a chunk", host("truncated_body"), Raw.chunkCut),
  row("/redirect", "redirect", "301 to an ordinary page", "ok", Answers.redirect(301, numbered(1))),
  row(
    "/loop",
    "redirect loop",
    "302 to a page that comes back",
    host("redirect_loop"),
    Answers.redirect(302, "/loop/back")
  ),
  row(
    "/redirect-nowhere",
    "redirect to no name",
    "302 to a host name that does not resolve",
    name("dns_not_found"),
    Answers.redirect(302, unresolvable)
  ),
  row(
    "/redirect-refused",
    "redirect to no server",
    "302 to a port that refuses connections",
    name("connection_refused"),
    Answers.redirect(302, ({ setup }) => `http://127.0.0.1:${setup.refusedPort}/`)
  ),
  row("/malformed", "malformed answer", "an invalid status line", host("bad_http"), Raw.malformed),
  row(
    "/bad-gzip",
    "bad gzip",
    "says gzip, sends none",
    host("bad_encoding"),
    Answers.send(200, { ...Answers.html, "content-encoding": "gzip" }, "this was never compressed")
  ),
  row("/huge", "huge body", "a page of many megabytes, its length not told", "ok", Answers.huge),
  row(
    "/binary",
    "binary",
    "application/octet-stream",
    "ok",
    Answers.send(
      200,
      { "content-type": "application/octet-stream" },
      Uint8Array.from({ length: 256 }, (_, byte) => byte)
    )
  ),
  row("/no-content", "no content", "204", "ok", Answers.send(204)),
  row(
    "/nested",
    "nested",
    "a page of 20,000 elements, each inside the one before",
    "ok",
    Answers.send(200, Answers.html, `${"<div>".repeat(20_000)}deep`)
  ),
  row("/no-links", "no links", "a page that leads nowhere", "ok", Answers.page()),
  row(encodeURI(rawUnicode), "unicode", "a path of many scripts, linked raw and percent-encoded", "ok", Answers.good),
  row(longPath, "long", "a path of about 8,000 characters", "ok", Answers.good),
  row(
    "/robots.txt",
    "robots",
    "forbids /private/",
    "ok",
    Answers.send(200, { "content-type": "text/plain; charset=utf-8" }, "User-agent: *\nDisallow: /private/\n")
  ),
  row("/private/", "private", "a page that robots.txt forbids", "ok", Answers.good)
]

const linkOf = ({ name, path, summary }: Row): Link => ({ href: path, text: `${name}: ${summary}` })

/** The same page as its row, as a careless author links to it. */
const rawLink: Link = { href: rawUnicode, text: "unicode, not encoded" }

/** Pages that are reached only through a row. */
const behindRows: ReadonlyArray<readonly [path: string, answer: Handler]> = [
  ["/loop/back", Answers.redirect(302, "/loop")],
  ...[4, 5, 6].map((page) => [numbered(page), Answers.page(onwards(page))] as const)
]

const handlers: ReadonlyMap<string, Handler> = new Map([
  ...rows.map(({ answer, path }) => [path, answer] as const),
  ...behindRows
])

/** How a path is answered; one that is not on the site is 404. */
export const handlerOf = (path: string): Handler => handlers.get(path) ?? Answers.status(404)
