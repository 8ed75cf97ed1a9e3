import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as Accounts from "../src/service/Accounts.ts"
import * as Journal from "../src/cli/Journal.ts"
import * as Output from "../src/cli/Output.ts"
import * as Service from "../src/service/Service.ts"
import { ask, layer } from "./api.ts"
import { run } from "./cli.ts"
import { folder } from "./files.ts"
import { serve, site } from "./origin.ts"

const link = (path: string) => `<a href="${path}">${path}</a>`

/** A site whose pages take a moment, and lead from one to the next without an end. */
const endless = Effect.fnUntraced(function* () {
  const requests: Array<string> = []
  const url = yield* serve(({ url: path = "" }, response) => {
    requests.push(path)
    const page = `<title>${path}</title><p>words of ${path}</p>${link(`${path}a`)}${link(`${path}b`)}`
    setTimeout(() => response.writeHead(200, { "content-type": "text/html" }).end(page), 30)
  })
  return { requests, url }
})

const json = (file: string) => JSON.parse(readFileSync(file, "utf8"))

const documents = (out: string) => readdirSync(join(out, "pages")).map((name) => join(out, "pages", name))

/** The fields and the text of a page's file. */
const read = (file: string) => {
  const [, head = "", text] = /^---\n(.*?)\n---\n\n(.*)$/s.exec(readFileSync(file, "utf8")) ?? []
  return { fields: Yaml.parse(head), text }
}

describe.concurrent("--output", () => {
  it.live("has each page as a Markdown file with front matter, and an index", () =>
    Effect.gen(function* () {
      const { url } = yield* site({
        "/": `<title>all: "pages" \u0085 # [1]</title><p>start</p>${link("/a")}${link("/a?b")}${link("/A")}${link("/none")}`,
        "/a": "small",
        "/a?b": "query",
        "/A": "large"
      })
      const out = join(yield* folder, "deep", "out")
      const { code, stderr } = yield* run(["crawl", url, "--allow-private", "--output", out])
      assert.strictEqual(code, 0, stderr)
      assert.sameMembers(readdirSync(out), ["index.json", "index.md", "pages"])
      const index = json(join(out, "index.json"))
      assert.deepInclude(index, { url, interrupted: false, status: "done" })
      assert.lengthOf(index.pages, 4)
      assert.lengthOf(documents(out), 4)
      for (const { file, title, url } of index.pages) {
        assert.deepInclude(read(join(out, file)).fields, { url, title, status: 200 })
        assert.include(readFileSync(join(out, "index.md"), "utf8"), `(${file}) <${url}>`)
      }
      assert.include(readFileSync(join(out, "index.md"), "utf8"), `<${url}none> host_returned_error`)
      const texts = documents(out).map((file) => read(file).text)
      assert.includeMembers(texts, ["small\n", "query\n", "large\n"])
    })
  )

  it.live("has the texts of a service at --api, too", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": `start ${link("/a")}`, "/a": "second" })
      const service = yield* Service.Service
      const out = yield* folder
      const { code } = yield* run(["crawl", url, "--api", service.url, "--output", out])
      assert.strictEqual(code, 0)
      assert.sameMembers(readdirSync(out), ["index.json", "index.md", "pages"])
      assert.include(
        documents(out).map((file) => read(file).text),
        "second\n"
      )
    }).pipe(Effect.provide(layer()))
  )

  it.live("refuses a folder that has a crawl, and one that cannot be written", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": "start" })
      const out = yield* folder
      const crawl = (...args: ReadonlyArray<string>) => run(["crawl", url, "--allow-private", ...args])
      writeFileSync(join(out, "notes.txt"), "mine")
      assert.strictEqual((yield* crawl("--output", out)).code, 0)
      const again = yield* crawl("--output", out)
      assert.deepStrictEqual([again.code, again.stdout], [1, ""])
      assert.match(again.stderr, /^error: .* has a crawl already\. Give --output a new folder.*\n$/)
      const resumed = yield* crawl("--output", out, "--resume")
      assert.match(resumed.stderr, /^error: no interrupted crawl is kept in .*\. Leave --resume out.*\n$/)
      const file = yield* crawl("--output", join(out, "notes.txt"))
      assert.match(file.stderr, /^error: cannot write .*notes\.txt.*\n$/)
    })
  )

  it.live("leaves nothing to go on with where no job came about", () =>
    Effect.gen(function* () {
      const out = yield* folder
      const args = ["crawl", "https://example.com/", "--output", out]
      const wrong = yield* run([...args, "--whitelist-regexp", "("])
      assert.match(wrong.stderr, /^error: .*whitelist_regexp is invalid.*\n$/)
      const resumed = yield* run([...args, "--resume"])
      assert.match(resumed.stderr, /^error: no interrupted crawl is kept/)
    })
  )
})

describe("a page's file name", () => {
  const urls = [
    "https://example.com/",
    "https://example.com/a",
    "https://example.com/A",
    "https://example.com/a/",
    "https://example.com/a?",
    "https://example.com/a?b=1&c=2",
    "https://example.com/a%2Fb",
    "https://example.com/a/b",
    "https://example.com/a.md/b",
    "https://example.com/a.md",
    "http://example.com/a",
    "https://example.com:8443/a",
    "http://[::1]:8080/a",
    "http://con/",
    "https://example.com/con",
    "https://example.com/nul.txt",
    "https://example.com/%E2%80%AE/..%2F..%2Fetc",
    "https://example.com/%C3%A9",
    "https://example.com/e%CC%81",
    "https://example.com/a.",
    "https://example.com/a%20",
    `https://example.com/${"x".repeat(3000)}`,
    `https://example.com/${"x".repeat(3001)}`,
    "https://xn--r8jz45g.xn--zckzah/%E3%83%9A%E3%83%BC%E3%82%B8"
  ]

  it("is safe on every file system", () => {
    for (const url of urls) assert.match(Output.nameOf(url), /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?-[0-9a-f]{16}\.md$/)
    for (const url of urls) assert.isAtMost(Output.nameOf(url).length, 100)
    for (const url of urls) assert.notMatch(Output.nameOf(url), /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|\.\./)
  })

  it("differs for two URLs, whatever the file system thinks of case", () => {
    assert.lengthOf([...new Set(urls.map((url) => Output.nameOf(url).toLowerCase()))], urls.length)
  })
})

describe.concurrent("an interrupted crawl", () => {
  it.live("leaves the table, the files and how to go on; --resume fetches and charges nothing twice", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* endless()
      const parent = yield* folder
      const out = join(parent, "out")
      const file = join(parent, "out.json")
      const args = ["crawl", url, "--allow-private", "--items-limit", "60", "--output", out, "--json", file]
      const cut = yield* run(args, (text, interrupt) => {
        if (/: [1-9]\d* done/.test(text)) interrupt()
      })
      assert.strictEqual(cut.code, 130)
      assert.match(cut.stdout, /^LEVEL +OUTCOME/m)
      assert.match(cut.stdout, /item +waiting +\d+/)
      assert.match(cut.stderr, /interrupted: .*out has the pages so far\. The same command with --resume goes on\.\n$/)
      const { pages, ...index } = json(join(out, "index.json"))
      assert.isTrue(index.interrupted)
      assert.isAbove(pages.length, 0)
      assert.lengthOf(documents(out), pages.length)
      assert.lengthOf(json(file).pages, pages.length)
      const early = requests.length

      const other = yield* run([...args, "--max-depth", "3", "--resume"])
      assert.match(other.stderr, /^error: the interrupted crawl had no --max-depth, not --max-depth 3\..*\n$/)
      const fresh = yield* run(args)
      assert.match(fresh.stderr, /^error: .*out.* was interrupted\. Add --resume.*\n$/)
      assert.lengthOf(requests, early)

      const rest = yield* run([...args, "--resume"])
      assert.strictEqual(rest.code, 0, rest.stderr)
      assert.deepInclude(json(join(out, "index.json")), { interrupted: false, status: "done" })
      assert.lengthOf(json(join(out, "index.json")).pages, 60)
      assert.lengthOf(documents(out), 60)
      assert.isTrue(json(file).pages.every(({ markdown }: { markdown: string }) => markdown.includes("words of")))
      assert.sameMembers(readdirSync(out), ["index.json", "index.md", "pages"])
      const twice = requests.filter((path, at) => requests.indexOf(path) !== at)
      const before = new Set(pages.map(({ url: page }: { url: string }) => new URL(page).pathname))
      // Only a page that was on its way when the crawl ended is fetched again.
      assert.isEmpty(twice.filter((path) => before.has(path)))
    })
  )

  it.live("goes on after a kill, and is charged once for each page", () =>
    Effect.gen(function* () {
      const { url } = yield* endless()
      const out = join(yield* folder, "out")
      const args = ["crawl", url, "--allow-private", "--items-limit", "40", "--output", out]
      yield* run(args, (text, _, kill) => {
        if (/: [1-9]\d* done/.test(text)) kill()
      })
      const database = join(out, ".crawl", "crawl.db")
      assert.isTrue(existsSync(database))
      let seen: ReadonlyArray<unknown> = []
      const rest = yield* run([...args, "--resume"], (text) => {
        if (!/^done: 40 done/m.test(text) || seen.length > 0) return
        const db = new DatabaseSync(database, { readOnly: true })
        seen = [
          db.prepare("SELECT count(*) AS jobs FROM jobs").get()?.["jobs"],
          db.prepare("SELECT balance FROM accounts WHERE id = 'local'").get()?.["balance"]
        ]
        db.close()
      })
      assert.strictEqual(rest.code, 0, rest.stderr)
      assert.lengthOf(documents(out), 40)
      if (seen.length > 0) assert.deepStrictEqual(seen, [1, Accounts.local.balance - 40 * Accounts.pagePrice])
    })
  )

  it.live("cancels the job of a service at --api, and keeps the pages that were paid for", () =>
    Effect.gen(function* () {
      const { url } = yield* endless()
      const service = yield* Service.Service
      const out = join(yield* folder, "out")
      const args = ["crawl", url, "--api", service.url, "--items-limit", "500", "--output", out]
      const cut = yield* run(args, (text, interrupt) => {
        if (/: [1-9]\d* done/.test(text)) interrupt()
      })
      assert.strictEqual(cut.code, 130)
      const [, jobId] = /cancelled job (\S+)/.exec(cut.stderr) ?? []
      const { job_items: items, status } = (yield* ask(`/v1/job/${jobId}`)).body
      assert.strictEqual(status, "cancelled")
      const done = items.filter((item: { status: string }) => item.status === "done")
      assert.lengthOf(documents(out), done.length)
      assert.match(cut.stdout, /item +cancelled +\d+/)
      assert.match(cut.stderr, new RegExp(`interrupted: .*out has the pages of job ${jobId}\\.\\n$`))
      assert.sameMembers(readdirSync(out), ["index.json", "index.md", "pages"])
    }).pipe(Effect.provide(layer()))
  )

  it.live("without a place for its pages says what would have kept them", () =>
    Effect.gen(function* () {
      const { url } = yield* endless()
      const { code, stderr, stdout } = yield* run(["crawl", url, "--allow-private"], (text, interrupt) => {
        if (/: [1-9]\d* done/.test(text)) interrupt()
      })
      assert.strictEqual(code, 130)
      assert.match(stdout, /item +ok +\d+/)
      assert.match(stderr, /interrupted: no text is kept\. With --output DIR/)
    })
  )
})

describe.concurrent("--resume", () => {
  it.effect("goes on with the jobs of further rounds, too, in their order", () =>
    Effect.gen(function* () {
      const request = CrawlApi.CrawlRequest.make({ url: "https://example.com/" })
      const options = {
        folder: join(yield* folder, ".crawl"),
        settings: { request, api: null, allowPrivate: false }
      }
      let made = 0
      const create = Effect.sync(() => ({ id: `job ${++made}` }))
      const first = yield* Journal.open({ ...options, resume: false })
      yield* first.make
      const page = CrawlApi.CrawlRequest.make({ url: "https://example.com/a" })
      const ids = yield* Effect.forEach([request, page, page], (one) => first.job(one, create))
      const again = yield* Journal.open({ ...options, resume: true })
      yield* again.make
      assert.deepStrictEqual(yield* Effect.forEach([page, request, page], (one) => again.job(one, create)), [
        ids[1],
        ids[0],
        ids[2]
      ])
      assert.strictEqual(yield* again.job(page, create), "job 4")
      const third = yield* Journal.open({ ...options, resume: true })
      assert.strictEqual(yield* Effect.andThen(third.job(page, create), third.job(page, create)), "job 3")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("knows every job of a round, whose pages go at once", () =>
    Effect.gen(function* () {
      const request = CrawlApi.CrawlRequest.make({ url: "https://example.com/" })
      const options = {
        folder: join(yield* folder, ".crawl"),
        settings: { request, api: null, allowPrivate: false }
      }
      const pages = Array.from({ length: 20 }, (_, index) =>
        CrawlApi.CrawlRequest.make({ url: `https://example.com/${index}` })
      )
      const first = yield* Journal.open({ ...options, resume: false })
      yield* first.make
      const ids = yield* Effect.forEach(pages, (one) => first.job(one, Effect.succeed({ id: `job of ${one.url}` })), {
        concurrency: "unbounded"
      })
      const again = yield* Journal.open({ ...options, resume: true })
      const none = Effect.succeed({ id: "another job" })
      assert.deepStrictEqual(yield* Effect.forEach(pages, (one) => again.job(one, none)), ids)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("needs to know of which crawl", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(["crawl", "https://example.com/", "--resume"])
      assert.strictEqual(code, 1)
      assert.match(stderr, /^error: --resume does not know what to go on with\. Give --output or --json.*\n$/)
    })
  )

  it.live("names a damaged state", () =>
    Effect.gen(function* () {
      const out = yield* folder
      mkdirSync(join(out, ".crawl"))
      writeFileSync(join(out, ".crawl", "state.json"), "{")
      const { code, stderr } = yield* run(["crawl", "https://example.com/", "--output", out, "--resume"])
      assert.strictEqual(code, 1)
      assert.match(stderr, /^error: cannot read .*state\.json: it is damaged\. .*\n$/)
    })
  )
})
