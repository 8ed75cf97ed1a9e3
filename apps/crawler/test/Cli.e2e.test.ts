import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { displayWidth } from "effect/cli/CliOutput"
import * as Service from "../src/service/Service.ts"
import { ask, layer } from "./api.ts"
import { run } from "./cli.ts"
import { folder } from "./files.ts"
import { closedPort, serve, site } from "./origin.ts"

const link = (path: string) => `<a href="${path}">${path}</a>`

const routes = join(import.meta.dirname, "../alert-routes.json")

describe.concurrent("what a person typed wrong is one line with the next step, and exit code 1", () => {
  const typed: ReadonlyArray<readonly [what: string, args: ReadonlyArray<string>, says: RegExp]> = [
    ["a URL that is none", ["crawl", "nonsense"], /"nonsense".*absolute http or https URL/],
    ["another scheme", ["crawl", "ftp://example.com/"], /"ftp:\/\/example\.com\/".*absolute http or https URL/],
    ["no URL", ["crawl"], /url.*--help/],
    ["an unknown flag", ["crawl", "http://example.com/", "--frobnicate"], /--frobnicate.*--help/],
    ["an unknown command", ["frobnicate"], /frobnicate.*--help/],
    ["no items", ["crawl", "http://example.com/", "--items-limit", "0"], /--items-limit.*a whole number from 1/],
    ["a limit in words", ["crawl", "http://example.com/", "--items-limit", "ten"], /"ten".*a whole number from 1/],
    ["half an item", ["crawl", "http://example.com/", "--items-limit", "1.5"], /"1\.5".*a whole number from 1/],
    ["a bad pattern", ["crawl", "http://example.com/", "--whitelist-regexp", "("], /whitelist_regexp is invalid/],
    ["a private address", ["crawl", "http://127.0.0.1/"], /127\.0\.0\.1 is a private address.*--allow-private/],
    ["a URL with a password", ["crawl", "http://user:pw@example.com/"], /carries a user name or a password/],
    ["a huge URL", ["crawl", `http://example.com/${"a".repeat(9000)}`], /Expected: at most 8190 characters/],
    ["a huge pattern", ["crawl", "http://example.com/", "--blacklist-regexp", "a".repeat(90_000)], /at most 8190/],
    ["a negative number", ["crawl", "http://example.com/", "--rounds", "-1"], /--rounds.*"-1".*from 0 to 10/],
    ["too many rounds", ["crawl", "http://example.com/", "--rounds", "11"], /--rounds.*"11".*from 0 to 10/],
    ["a flag twice", ["crawl", "http://example.com/", "--rounds", "0", "--rounds", "1"], /--rounds.*2 occurrences/],
    ["an empty number", ["crawl", "http://example.com/", "--max-depth", ""], /--max-depth.*from 0 to 1000/],
    ["an empty key", ["crawl", "http://example.com/", "--api", "http://127.0.0.1:1", "--api-key", ""], /--api-key/],
    [
      "an API with a password",
      ["crawl", "http://example.com/", "--api", "http://u:p@127.0.0.1:1"],
      /--api.*credentials/
    ],
    ["an API with a query", ["crawl", "http://example.com/", "--api", "http://127.0.0.1:1/?x=1"], /--api.*query/],
    ["a word for a switch", ["crawl", "http://example.com/", "--strict=maybe"], /--strict: "maybe"/],
    [
      "a pattern that is not RE2",
      ["crawl", "http://example.com/", "--whitelist-regexp", "(?<=a)b"],
      /whitelist_regexp/
    ],
    ["an empty file", ["crawl", "http://example.com/", "--json", ""], /--json/],
    [
      "no regular file",
      ["crawl", "http://example.com/", "--json", "/dev/null"],
      /\/dev\/null: it is not a regular file/
    ],
    ["an empty report", ["crawl", "http://example.com/", "--report", ""], /--report/],
    ["an empty folder", ["crawl", "http://example.com/", "--output", ""], /--output/],
    ["a folder that is a file", ["crawl", "http://example.com/", "--output", "/dev/null"], /cannot write \/dev\/null/],
    ["an empty database", ["serve", "--port", "0", "--database", ""], /--database/],
    [
      "another server's database",
      ["serve", "--database", "mysql://u:pw@127.0.0.1/x"],
      /--database\. Expected: .*SQLite file/
    ],
    ["accounts in another server's", ["accounts", "list", "--database", "postgres:/u:pw@h/x"], /neither a file nor/],
    ["PostgreSQL in capitals", ["serve", "--database", "POSTGRES://u:pw@127.0.0.1:1/x"], /database 127\.0\.0\.1:1\/x/],
    ["a password with a hash", ["serve", "--database", "postgres://u:12#pw@127.0.0.1/x"], /the database PostgreSQL: /],
    ["a secret that is none", ["serve", "--webhook-secret", "whsec_short"], /--webhook-secret.*24 to 64 bytes/],
    [
      "an alert webhook that is none",
      ["serve", "--alert-webhook", "nonsense"],
      /--alert-webhook.*absolute http or https URL/
    ],
    ["an address that is none", ["serve", "--host", "here"], /--host: "here"\. Expected: an IP address/],
    ["an Alertmanager's password", ["serve", "--alertmanager", "http://u:p@127.0.0.1:1"], /--alertmanager\. Expected/],
    ["an empty job", ["rules", "--job", ""], /--job/],
    ["no routes", ["alerts", "plan"], /--routes/],
    ["routes that are a folder", ["alerts", "plan", "--routes", "/"], /cannot read \/: .*folder/],
    [
      "an unknown detail",
      ["alerts", "plan", "--routes", routes, "--detail", "nope"],
      /the detail nope\. There are .*timeout/
    ],
    ["an empty payment", ["accounts", "top-up", "a", "--database", "x", "--amount", "5", "--id", ""], /--id/],
    ["no account", ["accounts", "open", "", "--database", "x"], /<account>.*a name of letters/],
    [
      "an amount that is none",
      ["accounts", "open", "a", "--database", "x", "--balance", "-1"],
      /from 0 to 1,000,000 dollars/
    ],
    [
      "tasks in a folder",
      ["durable", "status", "--database", "/", "--queue", "x"],
      /open database \/: .* Give --database/
    ],
    [
      "a value that looks like flags",
      ["durable", "redrive", "--database", "x", "--queue", "x", "--id", "1", "--pace", "-2 seconds"],
      /--pace.*--help/
    ],
    ["a port that is none", ["serve", "--port", "70000"], /"70000".*a whole number from 0 to 65535/],
    [
      "a file in no folder",
      ["crawl", "http://example.com/", "--json", "/none/out.json"],
      /cannot write \/none\/out\.json.*folder/
    ]
  ]
  for (const [what, args, says] of typed) {
    it.live(what, () =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* run(args)
        assert.strictEqual(code, 1)
        assert.strictEqual(stdout, "")
        assert.match(stderr, new RegExp(`^error: .*${says.source}.*\\n$`))
      })
    )
  }

  it.live("a port in use", () =>
    Effect.gen(function* () {
      const { port } = new URL(yield* serve(() => undefined))
      const { code, stderr } = yield* run(["serve", "--port", port])
      assert.strictEqual(code, 1)
      assert.strictEqual(
        stderr,
        `error: port ${port} is in use. Choose another with --port; 0 takes any that is free.\n`
      )
    })
  )

  it.live("a database that is none, and stays what it was", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "notes.txt")
      const notes = "only some notes ".repeat(20)
      writeFileSync(file, notes)
      const { code, stderr } = yield* run(["serve", "--port", "0", "--database", file])
      assert.strictEqual(code, 1)
      assert.match(stderr, /^error: cannot open database .*notes\.txt: file is not a database\. .*\n$/)
      assert.strictEqual(readFileSync(file, "utf8"), notes)
    })
  )

  it.live("an API that does not answer", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run([
        "crawl",
        "http://example.com/",
        "--api",
        `http://127.0.0.1:${yield* closedPort}`
      ])
      assert.strictEqual(code, 1)
      assert.match(stderr, /^error: the job could not run: .*connection_refused.* Check that --api is right.*\n$/)
    })
  )
})

describe.concurrent("help", () => {
  const alone = [
    "crawl",
    "serve",
    "config print",
    "demo",
    "rules",
    "dashboard",
    "explain",
    "alerts plan",
    "alerts describe",
    "accounts list",
    "accounts open",
    "accounts top-up",
    "accounts entries"
  ]
  const ofTasks = ["status", "gates", "open", "failed", "stuck", "redrive"].map((name) => `durable ${name}`)
  for (const command of ["", "config", "alerts", "accounts", "durable", ...alone, ...ofTasks]) {
    it.live(`redrive ${command} --help says how to use it`, () =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* run([...command.split(" ").filter(Boolean), "--help"])
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.include(stdout, "USAGE")
        if (![...alone, ...ofTasks].includes(command)) return
        assert.match(stdout, new RegExp(`^EXAMPLES\\n(.*\\n)*.* ${command}`, "m"))
      })
    )
  }
})

describe.concurrent("crawl", () => {
  it.live("prints what became of the pages, and writes all of it as JSON", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": link("/a") + link("/none"), "/a": "a" })
      const file = join(yield* folder, "out.json")
      const { code, stderr, stdout } = yield* run(["crawl", url, "--allow-private", "--json", file])
      assert.strictEqual(code, 0)
      assert.match(stdout, /item +ok +2/)
      assert.match(stdout, /item +host_returned_error +not_found +1 +give up +nobody/)
      assert.match(stderr, /done: 2 done, 1 failed/)
      const written = JSON.parse(readFileSync(file, "utf8"))
      assert.deepInclude(written.summary, { pages: 3, done: 2, failed: 1 })
      assert.deepInclude(written.remaining[0], { url: `${url}none`, code: "host_returned_error", actor: "nobody" })
      assert.deepInclude(written.pages[1], { url: `${url}a`, markdown: "a\n" })
      assert.strictEqual(written.jobs[0].job_items[1].markdown_content_url, "")
      assert.strictEqual(written.jobs[0].job_items[2].last_error, "Webpage returned error status code: 404")
      assert.lengthOf(readdirSync(join(file, "..")), 1)
    })
  )

  it.live("prints tables of 80 columns at most where there is no terminal", () =>
    Effect.gen(function* () {
      const long = `/${"section/".repeat(12)}${"x".repeat(100)}.html?${"a=1&".repeat(20)}`
      const { url } = yield* site({ "/": link(long) + link("/ファイル/ファイル") })
      const { stdout } = yield* run(["crawl", url, "--allow-private"], undefined, "")
      assert.match(stdout, /^LEVEL/m)
      for (const line of stdout.split("\n")) assert.isAtMost(displayWidth(line), 80)
    })
  )

  it.live("exits with 2 under --strict where pages remain failed, and with 0 where none does", () =>
    Effect.gen(function* () {
      const bad = yield* site({ "/": link("/none") })
      const good = yield* site({ "/": "fine" })
      assert.strictEqual((yield* run(["crawl", bad.url, "--allow-private", "--strict"])).code, 2)
      assert.strictEqual((yield* run(["crawl", good.url, "--allow-private", "--strict"])).code, 0)
      const twice = yield* serve(({ url }, response) => {
        if (url === "/") return response.end(`<a href="/a">a</a><a href="/b">b</a>`)
        return url === "/page" ? response.end("text") : response.writeHead(302, { location: "/page" }).end()
      })
      assert.strictEqual((yield* run(["crawl", twice, "--allow-private", "--strict"])).code, 0)
    })
  )

  it.live("runs without further rounds", () =>
    Effect.gen(function* () {
      const url = yield* serve((_, response) => void response.writeHead(503).end())
      const service = yield* Service.Service
      const { code, stdout } = yield* run(["crawl", url, "--api", service.url, "--rounds", "0"])
      assert.strictEqual(code, 0)
      assert.match(stdout, /in 0 rounds/)
    }).pipe(Effect.provide(layer()))
  )

  it.live("redrives what may succeed, and only that", () =>
    Effect.gen(function* () {
      const requests: Array<string> = []
      const url = yield* serve(({ url: path = "" }, response) => {
        requests.push(path)
        const failures = requests.filter((earlier) => earlier === path).length
        const status = path === "/flaky" && failures < 4 ? 500 : path === "/gone" ? 410 : 200
        response
          .writeHead(status, { "content-type": "text/html" })
          .end(path === "/" ? link("/flaky") + link("/gone") : "ok")
      })
      const service = yield* Service.Service
      const { code, stderr, stdout } = yield* run(["crawl", url, "--api", service.url])
      assert.strictEqual(code, 0)
      assert.match(stderr, /round 2: 1 page again in/)
      assert.match(stdout, /saved by redrive: 1 page in 1 round/)
      assert.match(stdout, /\/gone +host_returned_error gone +nobody +permanent/)
      assert.lengthOf(
        requests.filter((path) => path === "/gone"),
        1
      )
      assert.lengthOf(
        requests.filter((path) => path === "/"),
        1
      )
    }).pipe(Effect.provide(layer()))
  )

  it.live("that is interrupted cancels the job, says so, and writes how far it came", () =>
    Effect.gen(function* () {
      const url = yield* serve(() => undefined)
      const service = yield* Service.Service
      const file = join(yield* folder, "out.json")
      const { code, stderr } = yield* run(["crawl", url, "--api", service.url, "--json", file], (text, interrupt) => {
        if (text.includes("in progress")) interrupt()
      })
      assert.strictEqual(code, 130)
      const [, jobId] = /cancelled job (\S+)/.exec(stderr) ?? []
      assert.strictEqual((yield* ask(`/v1/job/${jobId}`)).body.status, "cancelled")
      const { interrupted, job_id, pages } = JSON.parse(readFileSync(file, "utf8"))
      assert.deepStrictEqual([interrupted, job_id, pages], [true, jobId, []])
      assert.lengthOf(readdirSync(join(file, "..")), 1)
    }).pipe(Effect.provide(layer({ policy: undefined })))
  )
})
