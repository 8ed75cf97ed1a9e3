import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Fetcher from "../src/page/Fetcher.ts"
import * as Pauses from "../src/page/Pauses.ts"
import * as Robots from "../src/page/Robots.ts"
import * as RobotsRules from "../src/page/RobotsRules.ts"

const rulesOf = (...lines: ReadonlyArray<string>) => RobotsRules.parse(lines.join("\n"), "RedriveCrawler")

const isAllowed = (path: string, ...lines: ReadonlyArray<string>) =>
  rulesOf(...lines).isAllowed(`https://site.test${path}`)

describe("a rule of a robots.txt", () => {
  const cases: ReadonlyArray<readonly [rule: string, path: string, forbids: boolean]> = [
    ["/a", "/abc", true],
    ["/a", "/A", false],
    ["/a", "/b/a", false],
    ["", "/", false],
    ["/", "/", true],
    ["/a # why", "/a", true],
    // Wildcards.
    ["/*.php", "/x/index.php?y", true],
    ["/*.php$", "/index.php", true],
    ["/*.php$", "/index.php?y", false],
    ["/a$", "/a", true],
    ["/a$", "/ab", false],
    ["/a*", "/a", true],
    ["/a*b*c", "/axbxc", true],
    ["/a*b*c", "/axcxb", false],
    ["/*a$", "/aba", true],
    ["/*ab$", "/ab/ab", true],
    ["/ab*ba$", "/aba", false],
    ["/*?", "/a?", true],
    ["/*?", "/a", false],
    ["/a$b", "/a$b", true],
    ["/a$b", "/a", false],
    ["/a%2A", "/a*", true],
    ["/a%2A", "/ab", false],
    ["/a%24", "/a$", true],
    // The same octets in another encoding.
    ["/*?filter[", "/shop?filter[color]=red", true],
    ["/a[1]", "/a[1]", true],
    ["/a[1]", "/a%5B1%5D", true],
    ["/*?q=a|b", "/s?q=a|b", true],
    ["/*?q='", "/s?q='x", true],
    ["/%7Ejoe/", "/~joe/x", true],
    ["/~joe/", "/%7Ejoe/x", true],
    ["/foo/bar/%62%61%7A", "/foo/bar/baz", true],
    ["/caf%c3%a9", "/café", true],
    ["/café", "/caf%C3%A9", true],
    ["/ツ", "/%E3%83%84/x", true],
    ["/a b", "/a%20b", true],
    ["/100%", "/100%", true],
    // A reserved character is not its percent-encoding.
    ["/a%2Fb", "/a/b", false],
    ["/a/b", "/a%2Fb", false],
    ["/a%2fb", "/a%2Fb", true],
    ["/", "/robots.txt", false]
  ]
  for (const [rule, path, forbids] of cases) {
    it(`"${rule}" ${forbids ? "forbids" : "does not forbid"} ${path}`, () => {
      assert.strictEqual(isAllowed(path, "User-agent: *", `Disallow: ${rule}`), !forbids)
    })
  }

  it("that is longer decides, and of two that are as long the one that allows", () => {
    const lines = ["User-agent: *", "Disallow: /a", "Allow: /a/b", "Disallow: /a/b/c", "Allow: /x", "Disallow: /x"]
    const paths = ["/a/x", "/a/b/x", "/a/b/c", "/x"]
    assert.deepStrictEqual(
      paths.map((path) => isAllowed(path, ...lines)),
      [false, true, false, true]
    )
  })

  it("of many asterisks takes no time that anybody notices", () => {
    const rules = rulesOf("User-agent: *", `Disallow: /${"*a".repeat(200_000)}`)
    assert.isTrue(rules.isAllowed(`https://site.test/${"a".repeat(8000)}`))
  })
})

describe("a group of a robots.txt", () => {
  const cases: ReadonlyArray<readonly [what: string, lines: ReadonlyArray<string>, isAllowed: boolean]> = [
    ["for the crawler", ["User-agent: *", "Allow: /", "User-agent: RedriveCrawler", "Disallow: /"], false],
    ["in other letters", ["USER-AGENT: redrivecrawler", "DISALLOW: /"], false],
    ["with a version", ["User-agent: RedriveCrawler/1.0 (+https://x.test)", "Disallow: /"], false],
    ["for the crawler, without rules", ["User-agent: *", "Disallow: /", "User-agent: RedriveCrawler"], true],
    ["for a crawler whose name begins alike", ["User-agent: RedriveCrawlerNews", "Disallow: /"], true],
    ["for a crawler whose name is a part", ["User-agent: Redrive", "Disallow: /"], true],
    ["for several", ["User-agent: Other", "User-agent: *", "Disallow: /"], false],
    ["after another one", ["User-agent: *", "Disallow: /x", "User-agent: Other", "Disallow: /"], true],
    ["in two places", ["User-agent: *", "Allow: /x", "User-agent: Other", "", "User-agent: *", "Disallow: /"], false],
    ["with a record between its names", ["User-agent: *", "Sitemap: /s.xml", "User-agent: O", "Disallow: /"], false],
    ["with a delay between its names", ["User-agent: *", "Crawl-delay: 1", "User-agent: O", "Disallow: /"], false],
    ["with an unknown record in it", ["User-agent: *", "Host: x", "Disallow: /"], false],
    ["with blank lines and comments in it", ["User-agent: *", "", "# none", "Disallow: /"], false],
    ["with spaces around", ["  User-agent :  * ", "\tDisallow :\t/ "], false],
    ["in lines of an old Mac", ["User-agent: *\rDisallow: /"], false],
    ["in lines of Windows", ["User-agent: *\r\nDisallow: /\r"], false],
    ["that no name begins", ["Disallow: /"], true]
  ]
  for (const [what, lines, expected] of cases) {
    it(`${what} ${expected ? "allows" : "forbids"}`, () => assert.strictEqual(isAllowed("/", ...lines), expected))
  }
})

describe("a crawl delay", () => {
  const delays: ReadonlyArray<readonly [lines: ReadonlyArray<string>, seconds: number | undefined]> = [
    [["User-agent: *", "Crawl-delay: 2"], 2],
    [["User-agent: *", "Crawl-delay: 0.5", "Disallow:"], 0.5],
    [["User-agent: Other", "Crawl-delay: 9", "User-agent: *", "Disallow: /x"], undefined],
    [["User-agent: Other", "Crawl-delay: 9", "", "User-agent: *", "Crawl-delay: 1"], 1],
    [["User-agent: *", "Crawl-delay: 86400"], 30],
    [["User-agent: *", "Crawl-delay: 0"], undefined],
    [["User-agent: *", "Crawl-delay: -1"], undefined],
    [["User-agent: *", "Crawl-delay: soon"], undefined],
    [["User-agent: *", "Crawl-delay:"], undefined]
  ]
  for (const [lines, seconds] of delays) {
    it(`is ${seconds} s: ${lines.join(" / ")}`, () => {
      const { crawlDelay } = rulesOf(...lines)
      assert.strictEqual(crawlDelay === undefined ? undefined : Duration.toSeconds(crawlDelay), seconds)
    })
  }

  const robots = (text: string) =>
    Effect.provideService(Robots.respected, Fetcher.Fetcher, {
      fetch: (url) => Effect.succeed({ url, status: 200, type: "text/plain", text }),
      pauses: Pauses.make()
    })

  it.effect("is kept between the requests of all jobs, and for each site by itself", () =>
    Effect.gen(function* () {
      const ask = yield* robots("User-agent: *\nCrawl-delay: 2\nDisallow: /secret")
      const gone: Array<string> = []
      const urls = ["https://a.test/1", "https://a.test/2", "https://a.test/3", "https://b.test/1"]
      const asked = yield* Effect.forkChild(
        Effect.forEach(
          urls,
          (url) =>
            Effect.andThen(
              ask(url),
              Effect.sync(() => gone.push(url))
            ),
          {
            concurrency: "unbounded"
          }
        )
      )
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(gone.toSorted(), ["https://a.test/1", "https://b.test/1"])
      yield* TestClock.adjust("2 seconds")
      assert.lengthOf(gone, 3)
      yield* TestClock.adjust("2 seconds")
      assert.lengthOf(gone, 4)
      yield* Fiber.join(asked)
    })
  )

  const reasons: ReadonlyArray<readonly [what: string, reason: ItemError.Reason, isTold: boolean]> = [
    ["whose name nobody knows", new ItemError.NameNotResolved({ detail: "dns_not_found" }), true],
    ["that the crawler itself cannot reach", new ItemError.InternalError({ detail: "network_down" }), true],
    ["on a private address", new ItemError.HostReturnedError({ status: 0, detail: "private_address" }), true],
    [
      "that says when to come back",
      new ItemError.HostReturnedError({ status: 429, retryAfter: Duration.seconds(1) }),
      true
    ],
    ["whose robots.txt fails", new ItemError.HostReturnedError({ status: 500 }), false],
    ["whose robots.txt never ends", new ItemError.HostReturnedError({ status: 0, detail: "response_timeout" }), false]
  ]
  for (const [what, reason, isTold] of reasons) {
    it.effect(`of a site ${what}: ${isTold ? "the page fails in the same way" : "nothing is allowed"}`, () =>
      Effect.gen(function* () {
        const ask = yield* Effect.provideService(Robots.respected, Fetcher.Fetcher, {
          fetch: () => Effect.fail(reason),
          pauses: Pauses.make()
        })
        const result = yield* Effect.flip(ask("https://a.test/"))
        if (isTold) assert.strictEqual(result, reason)
        else assert.deepInclude(result, { detail: "robots_unreachable", cause: reason })
      })
    )
  }

  it.effect("does not count pages that are forbidden", () =>
    Effect.gen(function* () {
      const ask = yield* robots("User-agent: *\nCrawl-delay: 2\nDisallow: /secret")
      assert.isTrue(Result.isFailure(yield* Effect.result(ask("https://a.test/secret"))))
      yield* ask("https://a.test/1")
    })
  )
})
