import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Service from "../src/service/Service.ts"
import { ask, crawl, create, layer, withService } from "./api.ts"
import { folder } from "./files.ts"
import { serve } from "./origin.ts"

interface Item {
  readonly original_url: string
  readonly status: string
  readonly cost: number
  readonly page_status_code: number
  readonly error_code: string
  readonly reason?: string
}

interface Job {
  readonly job_items: ReadonlyArray<Item>
}

const link = (path: string) => `<a href="${path}">${path}</a>`

/** A page by its HTML, a redirect by its status and target. */
type Answer = string | readonly [status: number, location: string]

/** A site by path; `requests` are the paths that it was asked for. */
const site = Effect.fnUntraced(function* (answers: { readonly [path: string]: Answer }) {
  const requests: Array<string> = []
  const url = yield* serve(({ url: path = "" }, response) => {
    requests.push(path)
    const answer = answers[path]
    if (answer === undefined) return response.writeHead(404).end()
    if (typeof answer !== "string") return response.writeHead(answer[0], { location: answer[1] }).end()
    return response.writeHead(200, { "content-type": "text/html" }).end(answer)
  })
  return { requests, url: new URL(url).origin }
})

/** A job, once it has ended. */
const ended = Effect.fnUntraced(function* (id: string): Effect.fn.Return<Job, never, Service.Service> {
  while (true) {
    const { body } = yield* ask(`/v1/job/${id}`)
    if (body.status === "done") return body
    yield* Effect.sleep("10 millis")
  }
})

const costOf = ({ job_items }: Job) => job_items.reduce((sum, { cost }) => sum + cost, 0)

const urlsOf = ({ job_items }: Job, status = "done") =>
  job_items.filter((item) => item.status === status).map((item) => item.original_url)

const pathsOf = (job: Job, status = "done") => urlsOf(job, status).map((url) => new URL(url).pathname)

describe("a job keeps and charges a page once", () => {
  const starts: ReadonlyArray<readonly [form: string, start: (url: string) => string]> = [
    ["without its slash", (url) => url.replace(/\/$/, "")],
    ["with a fragment", (url) => `${url}#top`],
    ["with its scheme in capitals", (url) => url.replace("http", "HTTP")],
    ["with a dot segment", (url) => `${url}a/..`]
  ]
  for (const [form, start] of starts) {
    it.live(`whose start is written ${form}`, () =>
      withService(
        Effect.gen(function* () {
          const { requests, url } = yield* site({ "/": link("/") })
          const root = new URL("/", url).href
          const job = yield* crawl({ url: start(root) })
          assert.deepStrictEqual(urlsOf(job), [root])
          assert.deepStrictEqual(requests, ["/"])
          assert.strictEqual(costOf(job), 0.002)
        })
      )
    )
  }

  const redirects: ReadonlyArray<readonly [how: string, pages: { readonly [path: string]: Answer }, kept: string]> = [
    ["two redirects", { "/": link("/a") + link("/b"), "/a": [302, "/c"], "/b": [302, "/c"], "/c": "c" }, "/a"],
    ["a redirect and a link", { "/": link("/a") + link("/c"), "/a": [302, "/c#x"], "/c": "c" }, "/c"],
    ["a redirect of the page itself", { "/": [302, "/c"], "/c": link("/") + link("/c") }, "/"],
    ["two redirects in a row", { "/": link("/a"), "/a": [301, "/b"], "/b": [307, "/c"], "/c": link("/b") }, "/a"]
  ]
  for (const [how, pages, kept] of redirects) {
    it.live(`that ${how} lead to`, () =>
      withService(
        Effect.gen(function* () {
          const { url } = yield* site(pages)
          const job: Job = yield* crawl({ url })
          const done = pathsOf(job).filter((path) => path !== "/" || kept === "/")
          assert.lengthOf(done, 1)
          for (const { cost, reason, status } of job.job_items) {
            if (status !== "done") assert.deepStrictEqual([cost, reason], [0, "duplicate"])
          }
        })
      )
    )
  }

  it.live("that fails is no other item's duplicate", () =>
    withService(
      Effect.gen(function* () {
        const { url } = yield* site({ "/": link("/a") + link("/b"), "/a": [302, "/c"], "/b": [302, "/c"] })
        const job: Job = yield* crawl({ url })
        assert.deepStrictEqual(
          job.job_items.slice(1).map(({ page_status_code }) => page_status_code),
          [404, 404]
        )
      })
    )
  )
})

describe("a redirect", () => {
  it.live("of the start is remembered over a restart", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const options = { database: join(yield* folder, "crawl.db") }
        const asked = yield* Deferred.make<void>()
        let isUp = false
        const url = yield* serve(({ url: path = "" }, response) => {
          if (path === "/a" && !isUp) return void Deferred.doneUnsafe(asked, Effect.void)
          const body = path === "/" ? link("/a") : path === "/a" ? link("/b") + link("/") : "b"
          return response.writeHead(200, { "content-type": "text/html" }).end(body)
        })
        const start = yield* site({ "/": [301, url] })
        const id = yield* Effect.scoped(
          Effect.gen(function* () {
            const { body } = yield* create({ url: start.url })
            yield* Deferred.await(asked)
            return body.id
          }).pipe(Effect.provide(layer(options)))
        )
        isUp = true
        const job = yield* Effect.provide(ended(id), layer(options))
        const { origin } = new URL(url)
        assert.deepStrictEqual(urlsOf(job), [`${start.url}/`, `${origin}/a`, `${origin}/b`])
        // A page that an earlier process kept is known as well: its second item is a duplicate.
        assert.strictEqual(Math.round(costOf(job) * 1000), 6)
      })
    )
  )

  it.live("of the start moves the crawl to the host it leads to", () =>
    withService(
      Effect.gen(function* () {
        const { requests, url } = yield* site({ "/home": link("/a"), "/a": "a" })
        const start = yield* site({ "/": [301, `${url}/home`] })
        const job = yield* crawl({ url: start.url })
        assert.deepStrictEqual(urlsOf(job), [`${start.url}/`, `${url}/a`])
        assert.deepStrictEqual(requests, ["/home", "/a"])
      })
    )
  )

  it.live("of the start leaves links to the first host in the crawl", () =>
    withService(
      Effect.gen(function* () {
        const pages: { [path: string]: Answer } = { "/a": "a" }
        const start = yield* site(pages)
        const { url } = yield* site({ "/": link(`${start.url}/a`) })
        pages["/"] = [301, `${url}/`]
        assert.deepStrictEqual(urlsOf(yield* crawl({ url: start.url })), [`${start.url}/`, `${start.url}/a`])
      })
    )
  )

  it.live("out of the crawl is not followed", () =>
    withService(
      Effect.gen(function* () {
        const other = yield* site({ "/": "another site" })
        const { requests, url } = yield* site({
          "/": link("/out") + link("/list"),
          "/out": [302, other.url],
          "/list": [302, "/excluded"],
          "/excluded": "excluded"
        })
        const job: Job = yield* crawl({ url, blacklist_regexp: "/excluded$" })
        assert.isEmpty(other.requests)
        assert.notInclude(requests, "/excluded")
        for (const item of job.job_items.slice(1))
          assert.deepInclude(item, { status: "error", cost: 0, page_status_code: 302 })
      })
    )
  )

  it.live("to what robots.txt forbids is not followed, the start's included", () =>
    withService(
      Effect.gen(function* () {
        const robots = "User-agent: *\nDisallow: /secret"
        const { requests, url } = yield* site({ "/robots.txt": robots, "/in": [302, "/secret"], "/secret": "secret" })
        const job: Job = yield* crawl({ url: `${url}/in`, respect_robots_txt: true })
        assert.deepInclude(job.job_items[0], { error_code: "website_access_denied", reason: "robots" })
        assert.notInclude(requests, "/secret")
      })
    )
  )

  it.live("to another host is asked of that host's robots.txt", () =>
    withService(
      Effect.gen(function* () {
        const other = yield* site({ "/robots.txt": "User-agent: *\nDisallow: /", "/": "other" })
        const { url } = yield* site({ "/": [302, other.url] })
        const job: Job = yield* crawl({ url, respect_robots_txt: true })
        assert.deepInclude(job.job_items[0], { error_code: "website_access_denied", reason: "robots" })
        assert.deepStrictEqual(other.requests, ["/robots.txt"])
      })
    )
  )

  const locations: ReadonlyArray<readonly [what: string, octets: Buffer, path: string]> = [
    ["UTF-8", Buffer.from("/café"), "/caf%C3%A9"],
    ["Latin-1", Buffer.from("/café", "latin1"), "/caf%E9"],
    ["percent-encoded octets", Buffer.from("/caf%C3%A9"), "/caf%C3%A9"]
  ]
  for (const [what, octets, path] of locations) {
    it.live(`in ${what} leads to the same octets`, () =>
      withService(
        Effect.gen(function* () {
          const { requests, url } = yield* site({ "/": [302, octets.toString("latin1")], [path]: "café" })
          assert.lengthOf(pathsOf(yield* crawl({ url })), 1)
          assert.deepStrictEqual(requests, ["/", path])
        })
      )
    )
  }
})
