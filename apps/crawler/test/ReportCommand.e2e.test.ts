import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Service from "../src/service/Service.ts"
import { layer } from "./api.ts"
import { run } from "./cli.ts"
import { folder } from "./files.ts"
import { closedPort, serve, site } from "./origin.ts"
import { attribute, elementsOf, textOf } from "./watch/html.ts"

const link = (path: string) => `<a href="${path}">${path}</a>`

/** A report as a person reads it: its heading and facts, what is written in it, and the stories. */
const read = (file: string) => {
  const html = readFileSync(file, "utf8")
  const all = elementsOf(html)
  const ofTag = (name: string) => all.filter(({ tagName }) => tagName === name)
  const [main] = ofTag("main")
  return {
    html,
    text: textOf(main!),
    heading: textOf(ofTag("h1")[0]!),
    notices: ofTag("ul")
      .filter((list) => attribute(list, "class") === "notices")
      .map(textOf)
      .join(),
    stories: ofTag("article").map(textOf),
    facts: new Map(ofTag("dt").map((term, index) => [textOf(term), textOf(ofTag("dd")[index]!)]))
  }
}

describe.concurrent("crawl --report", () => {
  it.live("tells of every failure of a hostile site, with its attempts, waits and reasons", () =>
    Effect.gen(function* () {
      const { url } = yield* HostileSite.make()
      const file = join(yield* folder, "report.html")
      const some = "/$|/status/|/reset|/malformed|/huge"
      const args = ["crawl", url, "--allow-private", "--rounds", "0", "--whitelist-regexp", some, "--report", file]
      const { code, stdout } = yield* run(args)
      assert.strictEqual(code, 0)
      const { facts, heading, stories, text } = read(file)
      assert.include(heading, url)
      const [, failed] = /(\d+) failed/.exec(text) ?? []
      assert.strictEqual(stories.length, Number(failed))
      assert.include(stdout, "remains failed")
      const retried = stories.find((story) => story.includes("(backoff)")) ?? ""
      assert.match(retried, /waits .*: the policy waits after a failure \(backoff\)/)
      assert.isTrue(stories.some((story) => /One attempt: .*not_found 404/.test(story)))
      assert.match(facts.get("By") ?? "", /^redrive \d+\.\d+\.\d+, Node\.js/)
      assert.strictEqual(facts.get("Command"), `redrive ${args.join(" ").replace(some, `'${some}'`)}`)
      assert.match(facts.get("Written") ?? "", /^\d+ \w{3} \d{4}, \d\d:\d\d:\d\d UTC$/)
      assert.match(facts.get("Found") ?? "", /^\d+ pages within the scope$/)
      assert.include(text, "The policy in force")
      assert.include(text, "1 attempt and 3 retries at most")
    })
  )

  it.live("tells the attempts of all rounds, and what was left out", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const url = yield* serve(({ url: path = "" }, response) => {
        asked.push(path)
        const isBad = path === "/flaky" && asked.filter((earlier) => earlier === path).length < 5
        const away = ["http://127.0.0.2:1/x", "http://127.0.0.2:1/x#part", "mailto:a@example.com"]
        if (path === "/robots.txt") return response.end("User-agent: *\nDisallow: /private")
        const body = path === "/" ? ["/flaky", "/gone", "/private", "/a", "/b", ...away].map(link).join("") : "text"
        response.writeHead(isBad ? 500 : path === "/gone" ? 410 : 200, { "content-type": "text/html" }).end(body)
      })
      const file = join(yield* folder, "report.html")
      const args = ["--allow-private", "--respect-robots-txt", "--items-limit", "4", "--report", file]
      const { code } = yield* run(["crawl", url, ...args])
      assert.strictEqual(code, 0)
      const { facts, html, text } = read(file)
      assert.include(text, "2 of 4 pages were read, 2 failed.")
      assert.match(facts.get("Retries") ?? "", /1 by 1 further round/)
      assert.match(facts.get("Left out by the limit") ?? "", /^2 pages that the pages read link to/)
      assert.match(facts.get("Left out by the scope") ?? "", /^1 page that/)
      assert.match(facts.get("Left out by robots.txt") ?? "", /^1 page/)
      const row = elementsOf(html).find((one) => one.tagName === "tr" && textOf(one).includes("/flaky"))
      assert.match(textOf(row!), /(failed server_error.*){4}.*; \d\d:\d\d:\d\d ok/)
    })
  )

  it.live("says what an interrupted crawl came to, and after --resume all of it", () =>
    Effect.gen(function* () {
      let isSlow = true
      const url = yield* serve(({ url: path = "" }, response) => {
        const answer = () =>
          response
            .writeHead(path === "/bad" ? 503 : 200, { "content-type": "text/html" })
            .end(path === "/" ? link("/bad") + link("/slow") : link("/deep") + link("/"))
        if (path !== "/slow" || !isSlow) answer()
      })
      const dir = yield* folder
      const file = join(dir, "report.html")
      const kept = ["--rounds", "0", "--max-depth", "1", "--output", join(dir, "out"), "--report", file]
      const args = ["crawl", url, "--allow-private", ...kept]
      const first = yield* run(args, (text, interrupt) => {
        if (/1 done, 0 failed, 1 retrying|1 done, 1 failed/.test(text)) interrupt()
      })
      assert.strictEqual(first.code, 130)
      const cut = read(file)
      assert.match(cut.notices, /Not complete: the crawl was interrupted/)
      assert.include(cut.text, "1 of 3 pages was read")
      assert.isTrue(cut.stories.some((story) => story.includes("/bad") && story.includes("unavailable")))
      isSlow = false
      assert.strictEqual((yield* run([...args, "--resume"])).code, 0)
      const whole = read(file)
      assert.strictEqual(whole.notices, "")
      assert.include(whole.text, "2 of 3 pages were read, 1 failed.")
      assert.match(whole.facts.get("Left out by the depth") ?? "", /^1 page that .*, since the crawl was resumed$/)
    })
  )

  it.live("tells why a job did not run, or none came about", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const none = join(dir, "none.html")
      const api = `http://127.0.0.1:${yield* closedPort}`
      const refused = yield* run(["crawl", "http://example.com/", "--api", api, "--report", none])
      assert.strictEqual(refused.code, 1)
      assert.match(read(none).notices, /Not complete: internal_error: no answer: connection_refused\.$/)
      assert.include(read(none).text, "Nothing was crawled.")

      const { url } = yield* site({ "/": link("/a") + link("/b"), "/a": "a", "/b": "b" })
      const service = yield* Service.Service
      yield* service.accounts.open({ id: "poor", apiKey: Redacted.make("a-key-of-its-own"), balance: 0 })
      const file = join(dir, "poor.html")
      const { code, stderr } = yield* run([
        "crawl",
        url,
        "--api",
        service.url,
        "--api-key",
        "a-key-of-its-own",
        "--report",
        file
      ])
      assert.strictEqual(code, 1, stderr)
      const { html, notices } = read(file)
      assert.match(notices, /insufficient_balance/)
      assert.notInclude(html, "a-key-of-its-own")
    }).pipe(Effect.provide(layer()))
  )

  it.live("of a service elsewhere says what that one does not tell, and no key", () =>
    Effect.gen(function* () {
      const { url } = yield* site({ "/": link("/none") })
      const service = yield* Service.Service
      const file = join(yield* folder, "report.html")
      const { code } = yield* run(["crawl", url, "--api", service.url, "--api-key", "local", "--report", file])
      assert.strictEqual(code, 0)
      const { facts, stories, text } = read(file)
      assert.include(text, "does not tell when it tried them")
      assert.include(text, "by its own policy")
      assert.include(facts.get("Left out by the scope"), "the service does not tell")
      assert.match(stories[0] ?? "", /\/none.*1 attempt\./)
      assert.include(facts.get("Command"), "--api-key <redacted>")
    }).pipe(Effect.provide(layer()))
  )

  it.live("refuses a file that cannot be written before anything is asked for, and leaves what was there", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* site({ "/": "text" })
      const dir = yield* folder
      const both = join(dir, "both")
      for (const [report, says] of [
        ["/none/report.html", /^error: cannot write \/none\/report\.html: .* Give --report a file .*\n$/],
        [dir, /^error: cannot write .*: it is a folder\. Give --report the name of a file\.\n$/],
        [both, /^error: .* cannot be both the report and the JSON file\. .*\n$/]
      ] as const) {
        const { code, stderr } = yield* run(["crawl", url, "--allow-private", "--json", both, "--report", report])
        assert.strictEqual(code, 1)
        assert.match(stderr, says)
      }
      assert.deepStrictEqual([requests, readdirSync(dir)], [[], []])

      const file = join(dir, "report.html")
      writeFileSync(file, "the one before")
      const never = yield* serve(() => undefined)
      yield* run(["crawl", never, "--allow-private", "--report", file], (text, _, kill) => {
        if (text.includes("fetching")) kill()
      })
      assert.strictEqual(readFileSync(file, "utf8"), "the one before")
      assert.isFalse(existsSync(both))
    })
  )
})
