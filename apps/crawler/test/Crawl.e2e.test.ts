import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ask, crawl, create, withService } from "./api.ts"
import { folder } from "./files.ts"
import { nginx, noNginx } from "./nginx.ts"
import { serve, site } from "./origin.ts"

const link = (path: string) => `<a href="${path}">${path}</a>`

interface Item {
  readonly original_url: string
  readonly status: string
  readonly depth: number
  readonly attempts: number
  readonly reason?: string
}

const pathsOf = (job: { readonly job_items: ReadonlyArray<Item> }, status = "done") =>
  job.job_items.filter((item) => item.status === status).map((item) => new URL(item.original_url).pathname)

describe("a crawl follows links", () => {
  const pages = { "/": link("/a") + link("/b"), "/a": link("/a/deep"), "/a/deep": link("/"), "/b": "no links" }

  const cases: ReadonlyArray<readonly [rule: string, request: object, paths: ReadonlyArray<string>]> = [
    ["to every page of the site, each once", {}, ["/", "/a", "/b", "/a/deep"]],
    ["up to items_limit", { items_limit: 2 }, ["/", "/a"]],
    ["up to max_depth", { max_depth: 1 }, ["/", "/a", "/b"]],
    ["not at all with max_depth 0", { max_depth: 0 }, ["/"]],
    ["that the whitelist matches", { whitelist_regexp: "/a" }, ["/", "/a", "/a/deep"]],
    ["that the blacklist does not match", { blacklist_regexp: "/a$" }, ["/", "/b"]]
  ]
  for (const [rule, request, paths] of cases) {
    it.live(rule, () =>
      withService(
        Effect.gen(function* () {
          const { url } = yield* site(pages)
          assert.deepStrictEqual(pathsOf(yield* crawl({ url, ...request })), paths)
        })
      )
    )
  }

  it.live("relative to where a redirect led, and asks for no other host", () =>
    withService(
      Effect.gen(function* () {
        const other = yield* site({ "/": "other" })
        const url = yield* serve(({ url: path }, response) => {
          if (path === "/") return response.writeHead(302, { location: "/docs/" }).end()
          const body = path === "/docs/" ? link("page") + link(other.url) : "page"
          return response.writeHead(200, { "content-type": "text/html" }).end(body)
        })
        assert.deepStrictEqual(pathsOf(yield* crawl({ url })), ["/", "/docs/page"])
        assert.isEmpty(other.requests)
      })
    )
  )

  it.live("that robots.txt allows, where it is to be respected", () =>
    withService(
      Effect.gen(function* () {
        const { requests, url } = yield* site({
          "/robots.txt": "User-agent: *\nDisallow: /private/",
          "/": link("/private/x") + link("/public"),
          "/private/x": "secret",
          "/public": "public"
        })
        const job = yield* crawl({ url, respect_robots_txt: true })
        assert.deepStrictEqual(pathsOf(job), ["/", "/public"])
        assert.deepInclude(job.job_items[1], { error_code: "website_access_denied", reason: "robots" })
        assert.notInclude(requests, "/private/x")
        assert.deepStrictEqual(pathsOf(yield* crawl({ url })), ["/", "/private/x", "/public"])
      })
    )
  )
})

describe("a robots.txt", () => {
  const robots = (answer: number | "none", request: object = {}) =>
    Effect.gen(function* () {
      const url = yield* serve(({ url: path }, response) => {
        if (path !== "/robots.txt") return response.writeHead(200, { "content-type": "text/html" }).end("page")
        return answer === "none" ? undefined : response.writeHead(answer).end()
      })
      return (yield* crawl({ url, respect_robots_txt: true, ...request })).job_items[0]
      // Only where nothing answers, time passes.
    }).pipe((test) => withService(test, answer === "none" ? { timeout: "500 millis" } : {}))

  it.live("that is not there allows everything", () =>
    Effect.map(robots(404), (item) => assert.strictEqual(item.status, "done"))
  )

  for (const answer of [500, 429, "none"] as const) {
    it.live(`that cannot be had (${answer}) forbids everything, and is asked for again`, () =>
      Effect.map(robots(answer), (item) =>
        assert.deepInclude(item, { error_code: "website_access_denied", reason: "robots_unreachable", attempts: 3 })
      )
    )
  }
})

describe("a page", () => {
  it.live("is tried again as its verdict says, and its attempts are counted", () =>
    withService(
      Effect.gen(function* () {
        let asked = 0
        const url = yield* serve((_, response) =>
          response.writeHead(++asked < 3 ? 500 : 200, { "content-type": "text/html" }).end("ok")
        )
        const job = yield* crawl({ url })
        assert.deepInclude(job.job_items[0], { status: "done", attempts: 3, page_status_code: 200 })
      })
    )
  )

  it.live("that takes too long is given up, and is the site's slowness", () =>
    withService(
      Effect.gen(function* () {
        const url = yield* serve(() => undefined)
        const job = yield* crawl({ url })
        assert.deepInclude(job.job_items[0], {
          error_code: "host_returned_error",
          reason: "response_timeout",
          attempts: 3
        })
      }),
      { timeout: "300 millis" }
    )
  )

  it.live("has its whole time once it is its turn: waiting for a connection does not count", () =>
    withService(
      Effect.gen(function* () {
        const url = yield* serve(({ url: path }, response) => {
          const body = path === "/" ? Array.from({ length: 12 }, (_, n) => link(`/${n}`)).join("") : "page"
          setTimeout(() => response.writeHead(200, { "content-type": "text/html" }).end(body), 700)
        })
        const job = yield* crawl({ url, items_limit: 20 })
        assert.deepStrictEqual([...new Set(job.job_items.map(({ attempts }: Item) => attempts))], [1])
        assert.lengthOf(pathsOf(job), 13)
      }),
      // Three answers in a row take longer than this, and one takes much less.
      { timeout: "2 seconds" }
    )
  )

  it.live("of any other type than text is not kept", () =>
    withService(
      Effect.gen(function* () {
        const url = yield* serve((_, response) =>
          response.writeHead(200, { "content-type": "application/octet-stream" }).end("x")
        )
        assert.deepInclude((yield* crawl({ url })).job_items[0], {
          error_code: "host_returned_error",
          reason: "no_content"
        })
      })
    )
  )

  it.live("is read in its own charset", () =>
    withService(
      Effect.gen(function* () {
        const url = yield* serve((_, response) =>
          response
            .writeHead(200, { "content-type": "text/html; charset=iso-8859-1" })
            .end(Buffer.from("<title>caf\u00E9</title>", "latin1"))
        )
        assert.strictEqual((yield* crawl({ url })).job_items[0].title, "café")
      })
    )
  )

  it.live("can be had as Markdown", () =>
    withService(
      Effect.gen(function* () {
        const { url } = yield* site({ "/": "<h1>Title</h1><p>Text</p>" })
        const [item] = (yield* crawl({ url })).job_items
        const { body, type } = yield* ask(item.markdown_content_url)
        assert.strictEqual(body, "# Title\n\nText\n")
        assert.match(type ?? "", /^text\/markdown/)
      })
    )
  )

  it.live("a host never sees more than four connections at a time", () =>
    withService(
      Effect.gen(function* () {
        let open = 0
        let most = 0
        const url = yield* serve(({ url: path }, response) => {
          most = Math.max(most, ++open)
          const body = path === "/" ? Array.from({ length: 20 }, (_, n) => link(`/${n}`)).join("") : "page"
          setTimeout(() => {
            open--
            response.writeHead(200, { "content-type": "text/html" }).end(body)
          }, 10)
        })
        assert.lengthOf(pathsOf(yield* crawl({ url, items_limit: 30 })), 21)
        assert.strictEqual(most, 4)
      })
    )
  )

  it.live("that redirects to a private address is refused where these are", () =>
    withService(
      Effect.gen(function* () {
        const inside = yield* site({ "/": "inside" })
        const { body } = yield* create({ url: inside.url })
        assert.strictEqual(body.error_message, "url is invalid: it is a private address")
        assert.isEmpty(inside.requests)
      }),
      { allowPrivate: false }
    )
  )
})

describe("a job", () => {
  it.live("can be cancelled; what was fetched stays, what was not is cancelled with it", () =>
    withService(
      Effect.gen(function* () {
        const url = yield* serve(({ url: path }, response) => {
          if (path === "/") response.writeHead(200, { "content-type": "text/html" }).end(link("/slow"))
        })
        const { id } = (yield* create({ url })).body
        const state = Effect.map(ask(`/v1/job/${id}`), ({ body }) => body)
        while (pathsOf(yield* state).length === 0) yield* Effect.sleep("5 millis")
        assert.strictEqual((yield* ask(`/v1/job/${id}/cancel`, { method: "PUT" })).body.message, "Job cancelled")
        const job = yield* state
        assert.strictEqual(job.status, "cancelled")
        assert.deepStrictEqual(
          job.job_items.map((item: Item) => item.status),
          ["done", "canceled"]
        )
        assert.strictEqual((yield* ask(`/v1/job/${id}/cancel`, { method: "PUT" })).status, 200)
      })
    )
  )

  it.live("survives a restart: what was finished is not fetched again, what was not is", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      let stuck = true
      const requests: Array<string> = []
      const url = yield* serve(({ url: path = "" }, response) => {
        requests.push(path)
        if (path === "/slow" && stuck) return
        response.writeHead(200, { "content-type": "text/html" }).end(path === "/" ? link("/a") + link("/slow") : "page")
      })
      const id = yield* withService(
        Effect.gen(function* () {
          const { body } = yield* create({ url })
          while (pathsOf((yield* ask(`/v1/job/${body.id}`)).body).length < 2) yield* Effect.sleep("5 millis")
          return body.id
        }),
        { database }
      )
      stuck = false
      yield* withService(
        Effect.gen(function* () {
          let job
          do {
            job = (yield* ask(`/v1/job/${id}`)).body
            yield* Effect.sleep("5 millis")
          } while (job.status === "in_progress")
          assert.strictEqual(job.status, "done")
          assert.deepStrictEqual(pathsOf(job), ["/", "/a", "/slow"])
        }),
        { database }
      )
      assert.lengthOf(
        requests.filter((path) => path === "/"),
        1
      )
      assert.lengthOf(
        requests.filter((path) => path === "/a"),
        1
      )
    })
  )
})

describe.skipIf(noNginx)("a site that nginx serves", () => {
  it.live("is crawled, its denied and its missing pages named", () =>
    withService(
      Effect.gen(function* () {
        const root = join(yield* folder, "site")
        mkdirSync(join(root, "docs"), { recursive: true })
        const pages = {
          "index.html": link("docs/") + link("/missing") + link("/closed.html"),
          "docs/index.html": "<title>Docs</title>"
        }
        for (const [name, html] of Object.entries(pages)) writeFileSync(join(root, name), html)
        writeFileSync(join(root, "closed.html"), "closed")
        execFileSync("chmod", ["-R", "a+rX", root])
        const url = yield* nginx(root)
        const job = yield* crawl({ url })
        assert.deepStrictEqual(pathsOf(job), ["/", "/docs/"])
        assert.deepInclude(job.job_items[2], { error_code: "host_returned_error", page_status_code: 404 })
        assert.deepInclude(job.job_items[3], { error_code: "website_access_denied", page_status_code: 403 })
      })
    )
  )
})
