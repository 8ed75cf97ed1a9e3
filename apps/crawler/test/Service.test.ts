import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as FailureMetrics from "@redrive/alert/FailureMetrics"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Recorder from "@redrive/testing/Recorder"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as BrokenExtractor from "../src/demo/BrokenExtractor.ts"
import * as Extractor from "../src/page/Extractor.ts"
import * as Accounts from "../src/service/Accounts.ts"
import * as Service from "../src/service/Service.ts"
import { type Answer, ask, crawl, create, ended, layer, withService } from "./api.ts"
import { breakStore, folder } from "./files.ts"
import { closedPort, serve, site } from "./origin.ts"

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"))

/** Opens an account that can pay so many pages. */
const account = (id: string, pages: number) =>
  Effect.flatMap(Service.Service, ({ accounts }) =>
    accounts.open({ id, apiKey: Redacted.make(id), balance: pages * Accounts.pagePrice })
  )

/** How many pages an account can still pay. */
const pagesLeft = (id: string) =>
  Effect.flatMap(Service.Service, ({ accounts }) => accounts.balance(id)).pipe(
    Effect.map((balance) => balance / Accounts.pagePrice)
  )

const invalid = (message: string) => ({ error_code: "invalid_request", error_message: message })

describe("the error page's shapes come out of the service", () => {
  it.live("insufficient_balance: 402", () =>
    withService(
      Effect.gen(function* () {
        yield* account("poor", 0)
        const { body, status } = yield* create({ url: "http://127.0.0.1:1/" }, "poor")
        assert.deepStrictEqual([status, body], [402, fixture("job-insufficient_balance")])
      })
    )
  )

  it.live("invalid_request: 400", () =>
    withService(
      Effect.gen(function* () {
        const { body, status } = yield* create({ url: "https://example.com/", whitelist_regexp: "(" })
        const { error_message, ...shape } = fixture("job-invalid_request")
        const why = "it is a regular expression (RE2), and this one has a fault: missing closing ): `(`"
        assert.deepStrictEqual([status, body], [400, { ...shape, error_message: `${error_message}: ${why}` }])
      })
    )
  )

  it.live("internal_error: 500", () =>
    Effect.gen(function* () {
      const database = `${yield* folder}/crawl.db`
      yield* withService(
        Effect.gen(function* () {
          breakStore(database)
          const { body, status } = yield* create({ url: "https://example.com/" })
          assert.deepStrictEqual([status, body], [500, fixture("job-internal_error")])
        }),
        { database }
      )
    })
  )

  const items: ReadonlyArray<readonly [code: string, url: Effect.Effect<string, never, Scope.Scope>]> = [
    ["host_returned_error", serve((_, response) => response.writeHead(404).end())],
    ["website_access_denied", serve((_, response) => response.writeHead(403).end())],
    ["name_not_resolved", Effect.map(closedPort, (port) => `http://127.0.0.1:${port}/`)],
    ["internal_error", Effect.map(site({ "/broken": "<p>x" }), ({ url }) => new URL("/broken", url).href)]
  ]
  for (const [code, origin] of items) {
    it.live(`item: ${code}`, () =>
      withService(
        Effect.gen(function* () {
          const { job_items, status } = yield* crawl({ url: yield* origin })
          const [{ error_code, last_error, status: itemStatus }] = job_items
          const shape = { status, job_items: [{ error_code, status: itemStatus, last_error }] }
          assert.deepStrictEqual(shape, fixture(`item-${code}`))
        }),
        { extractor: BrokenExtractor.layer("/broken") }
      )
    )
  }
})

describe("a request that is refused", () => {
  const post = (body: string, headers: Record<string, string> = { "content-type": "application/json" }) =>
    ask("/v1/crawl", { method: "POST", body, headers: { authorization: "Bearer local", ...headers } })

  const refused: ReadonlyArray<
    readonly [what: string, asked: Effect.Effect<Answer, never, Service.Service>, status: number, message: string]
  > = [
    ["no key", create({ url: "https://example.com/" }, ""), 401, "api key is invalid: send it as a bearer token"],
    [
      "a wrong key",
      create({ url: "https://example.com/" }, "wrong"),
      401,
      "api key is invalid: send it as a bearer token"
    ],
    [
      "no URL",
      create({}),
      400,
      "url is invalid: it is missing; it is an absolute http or https URL without credentials"
    ],
    [
      "a URL that is none",
      create({ url: "nonsense" }),
      400,
      "url is invalid: it is an absolute http or https URL without credentials"
    ],
    [
      "another scheme",
      create({ url: "ftp://example.com/" }),
      400,
      "url is invalid: it is an absolute http or https URL without credentials"
    ],
    [
      "a limit of none",
      create({ url: "https://example.com/", items_limit: 0 }),
      400,
      "items_limit is invalid: it is a whole number from 1 to 100,000"
    ],
    [
      "a limit in words",
      create({ url: "https://example.com/", items_limit: "ten" }),
      400,
      "items_limit is invalid: it is a whole number from 1 to 100,000"
    ],
    [
      "a bad blacklist",
      create({ url: "https://example.com/", blacklist_regexp: "[" }),
      400,
      "blacklist_regexp is invalid: it is a regular expression (RE2), and this one has a fault: missing closing ]: `[`"
    ],
    [
      "another format",
      create({ url: "https://example.com/", scrape_type: "pdf" }),
      400,
      "scrape_type is invalid: it is html, cleaned or markdown"
    ],
    [
      "the main part of what is kept as it is",
      create({ url: "https://example.com/", output_formats: ["html"], main_content_only: true }),
      400,
      "main_content_only is invalid: html is kept as it was received"
    ],
    ["no JSON", post("{bad"), 400, "request body is invalid: it is a JSON object"],
    ["an array", post("[]"), 400, "request body is invalid: it is a JSON object"],
    [
      "a large body",
      post(JSON.stringify({ url: "x".repeat(70_000) })),
      413,
      "request body is invalid: it is too large"
    ],
    [
      "another type",
      post("url=x", { "content-type": "text/csv" }),
      415,
      "content-type is invalid: send application/json"
    ],
    ["an unknown job", ask("/v1/job/none"), 404, "id is invalid: there is no such job"],
    [
      "an unknown job to cancel",
      ask("/v1/job/none/cancel", { method: "PUT" }),
      404,
      "id is invalid: there is no such job"
    ],
    [
      "an unknown format among others",
      create({ url: "https://example.com/", output_formats: ["html", "pdf"] }),
      400,
      "output_formats is invalid: it is a list of html, cleaned or markdown"
    ],
    [
      "a number for a flag",
      create({ url: "https://example.com/", allow_subdomains: 1 }),
      400,
      "allow_subdomains is invalid: it is true or false"
    ],
    [
      "a pattern that is no text",
      create({ url: "https://example.com/", whitelist_regexp: 1 }),
      400,
      "whitelist_regexp is invalid: it is a text"
    ],
    [
      "a webhook that is no URL",
      create({ url: "https://example.com/", webhook_url: "x" }),
      400,
      `webhook_url is invalid: it is empty or an absolute http or https URL without credentials`
    ],
    [
      "a negative age",
      create({ url: "https://example.com/", max_age: -1 }),
      400,
      "max_age is invalid: it is a whole number of seconds, 0 or more"
    ],
    [
      "an unknown query parameter",
      ask("/v1/jobs?page=2"),
      400,
      "page is invalid: this operation has only the query parameters limit and before"
    ],
    [
      "a query parameter where there is none",
      ask("/v1/crawl?async=true", { method: "POST", body: JSON.stringify({ url: "https://example.com/" }) }),
      400,
      "async is invalid: this operation has no query parameters"
    ],
    [
      "another value of the only query parameter",
      ask("/v2/scrape?async=false", { method: "POST", body: JSON.stringify({ url: "https://example.com/" }) }),
      400,
      "async is invalid: it is true"
    ],
    [
      "another query parameter than the only one",
      ask("/v2/scrape?wait=true", { method: "POST", body: JSON.stringify({ url: "https://example.com/" }) }),
      400,
      "wait is invalid: this operation has only the query parameter async"
    ],
    [
      "an unknown query parameter of an unknown job",
      ask("/v1/job/none?limits=1"),
      400,
      "limits is invalid: this operation has only the query parameters include_links, limit, offset and t"
    ],
    [
      "an unknown query parameter, and no key",
      ask("/v1/jobs?page=2", { key: "" }),
      401,
      "api key is invalid: send it as a bearer token"
    ],
    ["an unknown path", ask("/v2/crawl"), 404, "path is invalid"]
  ]
  for (const [what, asked, status, message] of refused) {
    it.live(`with ${what} is told why: ${status}`, () =>
      withService(
        Effect.gen(function* () {
          const answer = yield* asked
          assert.deepStrictEqual([answer.status, answer.body], [status, invalid(message)])
          assert.match(answer.type ?? "", /^application\/json/)
        })
      )
    )
  }

  it.live("is no failure of the service: nobody else is told", () =>
    Effect.gen(function* () {
      const { reports } = yield* Recorder.Recorder
      yield* Effect.all([
        create({}),
        create({ url: "https://example.com/", whitelist_regexp: "(" }),
        ask("/v1/job/none")
      ])
      yield* account("poor", 0)
      yield* create({ url: "https://example.com/" }, "poor")
      assert.deepStrictEqual(yield* reports, [])
    }).pipe(Effect.provide(layer().pipe(Layer.provideMerge(Recorder.layer))))
  )

  it.live("for a private address, unless these are allowed", () =>
    withService(
      Effect.gen(function* () {
        const { body, status } = yield* create({ url: "http://127.0.0.1:1/" })
        assert.deepStrictEqual([status, body], [400, invalid("url is invalid: it is a private address")])
      }),
      { allowPrivate: false }
    )
  )

  it.live("another account's job does not exist", () =>
    withService(
      Effect.gen(function* () {
        yield* account("other", 1)
        const { url } = yield* site({ "/": "mine" })
        const { id } = yield* crawl({ url })
        assert.strictEqual((yield* ask(`/v1/job/${id}`, { key: "other" })).status, 404)
        assert.strictEqual((yield* ask(`/v1/job/${id}/cancel`, { key: "other", method: "PUT" })).status, 404)
      })
    )
  )
})

describe("money", () => {
  it.live("is taken for pages that succeed, and only for these", () =>
    withService(
      Effect.gen(function* () {
        yield* account("payer", 10)
        const { url } = yield* site({ "/": `<a href="/a">a</a><a href="/none">none</a>`, "/a": "a" })
        const job = yield* crawl({ url }, "payer")
        assert.strictEqual(yield* pagesLeft("payer"), 8)
        assert.deepStrictEqual(
          job.job_items.map((item: { cost: number }) => item.cost),
          [0.002, 0.002, 0]
        )
      })
    )
  )

  it.live("that runs out ends the job in insufficient_balance, with what was paid for", () =>
    withService(
      Effect.gen(function* () {
        yield* account("short", 2)
        const links = Array.from({ length: 5 }, (_, n) => `<a href="/${n}">${n}</a>`).join("")
        const pages = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`/${n}`, "page"]))
        const { url } = yield* site({ "/": links, ...pages })
        const job = yield* crawl({ url }, "short")
        assert.strictEqual(job.status, "error")
        assert.deepInclude(job, fixture("job-insufficient_balance"))
        const statuses = job.job_items.map((item: { status: string }) => item.status)
        assert.lengthOf(
          statuses.filter((status: string) => status === "done"),
          2
        )
        assert.lengthOf(
          statuses.filter((status: string) => status === "canceled"),
          4
        )
        assert.strictEqual(yield* pagesLeft("short"), 0)
      })
    )
  )

  it.live("that comes while the job's pages are being stopped lets it go on", () =>
    Effect.gen(function* () {
      const { held, late, release } = yield* slowToStop("/late")
      yield* withService(
        Effect.gen(function* () {
          yield* account("late", 1)
          const { url } = yield* site({ "/": `<a href="/a">a</a><a href="/late">late</a>`, "/a": "a", "/late": "late" })
          const { body } = yield* create({ url }, "late")
          yield* Deferred.await(held)
          const { accounts } = yield* Service.Service
          yield* accounts.topUp("late", 2 * Accounts.pagePrice, "in time")
          yield* Deferred.succeed(release, undefined)
          const job = yield* ended(body.id, "late")
          assert.strictEqual(job.status, "done")
          assert.lengthOf(job.job_items, 3)
          assert.strictEqual(yield* pagesLeft("late"), 0)
        }),
        { extractor: late }
      )
    })
  )
})

/**
 * Extracts pages, but the first at a path does not end when it is interrupted, until it is released. `held` tells of the interruption. Another page but the
 * start is extracted once that one has begun.
 */
const slowToStop = Effect.fnUntraced(function* (path: string) {
  const begun = yield* Deferred.make<void>()
  const held = yield* Deferred.make<void>()
  const release = yield* Deferred.make<void>()
  const stopping = Effect.andThen(Deferred.succeed(held, undefined), Deferred.await(release))
  const hold = Effect.andThen(
    Deferred.succeed(begun, undefined),
    Effect.onInterrupt(Effect.never, () => stopping)
  )
  const late = Layer.effect(
    Extractor.Extractor,
    Effect.map(Extractor.Extractor, ({ extract }) => ({
      extract: (page, options) => {
        const { pathname } = new URL(page.url)
        if (pathname === "/") return extract(page, options)
        return pathname === path && !Deferred.isDoneUnsafe(begun)
          ? hold
          : Effect.andThen(Deferred.await(begun), extract(page, options))
      }
    }))
  ).pipe(Layer.provide(Extractor.layer()))
  return { held, late, release }
})

describe("metrics", () => {
  it.live("are there for Prometheus, with the failures that were reported", () =>
    Effect.gen(function* () {
      const { url: origin } = yield* site({})
      yield* crawl({ url: origin })
      const { url } = yield* Service.Service
      const response = yield* Effect.promise(() => fetch(`${url}/metrics`))
      assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      assert.include(
        yield* Effect.promise(() => response.text()),
        'redrive_failures_total{level="item",code="host_returned_error"} 1'
      )
    }).pipe(
      Effect.provide(layer({}).pipe(Layer.provide(FailureMetrics.layer(catalogue)))),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  )
})
