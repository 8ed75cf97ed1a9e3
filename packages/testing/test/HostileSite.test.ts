import { assert, describe, it } from "@effect/vitest"
import type { Behaviour } from "@redrive/testing/Behaviour"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { get, linksOf, outcomeOf, statusOf } from "./client.ts"

const rowsBy = (site: HostileSite.HostileSite, member: (row: Behaviour) => boolean) => site.behaviours.filter(member)

describe("behaviours", () => {
  it.effect("are what the table says, each by core's own classification", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make({ hugeBytes: 300_000 })
      const seen = yield* Effect.forEach(site.behaviours, (row) =>
        Effect.map(outcomeOf(site, row), (is) => [row.name, is])
      )
      assert.deepStrictEqual(
        seen,
        site.behaviours.map(({ name, outcome }) => [name, outcome])
      )
      assert.isAbove(seen.length, 30)
    })
  )

  it.effect("fail the same way on a second visit, at another site with the same options too", () =>
    Effect.gen(function* () {
      const sites = [yield* HostileSite.make({ hugeBytes: 1000 }), yield* HostileSite.make({ hugeBytes: 1000 })]
      for (const site of sites) {
        const lasting = rowsBy(site, ({ isPassing, outcome }) => outcome !== "ok" && !isPassing)
        const quick = lasting.filter(({ path }) => path !== "/slow-headers" && path !== "/stalled-body")
        for (const row of [...quick, ...quick])
          assert.deepStrictEqual(yield* outcomeOf(site, row), row.outcome, row.name)
      }
    })
  )

  it.effect("that are passing come good for a client that waits and tries again", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const passing = rowsBy(site, ({ isPassing }) => isPassing)
      assert.sameMembers(
        passing.map(({ name }) => name),
        ["rate limited", "unavailable", "flaky", "hiccup"]
      )
      for (const row of passing) {
        yield* Effect.repeat(
          Effect.tap(outcomeOf(site, row), () => TestClock.adjust("3 seconds")),
          { until: (outcome) => outcome === "ok", times: 3 }
        ).pipe(Effect.map((last) => assert.strictEqual(last, "ok", row.name)))
      }
    })
  )

  it.effect("have each a path and a name of its own, and a summary", () =>
    Effect.gen(function* () {
      const { behaviours } = yield* HostileSite.make()
      assert.strictEqual(new Set(behaviours.map(({ path }) => path)).size, behaviours.length)
      assert.strictEqual(new Set(behaviours.map(({ name }) => name)).size, behaviours.length)
      assert.isTrue(behaviours.every(({ summary }) => summary.length > 2))
    })
  )

  it.effect("reset, malformed and cut answers reach a client as such on every visit", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      for (const path of ["/reset", "/malformed", "/truncated", "/chunk-cut", "/bad-gzip"]) {
        yield* Effect.flip(get(site, path))
        yield* Effect.flip(get(site, path))
      }
      assert.strictEqual((yield* site.requests).length, 10)
    })
  )
})

describe("pages", () => {
  it.effect("are linked from the start page, all of them", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const links = new Set(linksOf(yield* get(site, "/")))
      assert.sameMembers(
        [...links],
        site.behaviours.map(({ path }) => new URL(path, site.url).href)
      )
    })
  )

  it.effect("link on to pages that are not on the start page, and come to an end", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      assert.deepStrictEqual(
        linksOf(yield* get(site, "/page/2")),
        ["/page/3", "/page/5", "/"].map((path) => new URL(path, site.url).href)
      )
      const seen = new Set([new URL("/page/1", site.url).href])
      for (const url of seen) {
        const { body, status } = yield* get(site, url)
        assert.strictEqual(status, 200)
        for (const link of linksOf({ body, headers: {}, status, url })) if (link.includes("/page/")) seen.add(link)
      }
      assert.strictEqual(seen.size, 6)
    })
  )

  it.effect("are equal to the byte for the same seed, and other pages for another", () =>
    Effect.gen(function* () {
      const [one, again, other] = [
        yield* HostileSite.make({ seed: 7, hugeBytes: 1000 }),
        yield* HostileSite.make({ seed: 7, hugeBytes: 1000 }),
        yield* HostileSite.make({ seed: 8, hugeBytes: 1000 })
      ]
      for (const { path } of rowsBy(one, ({ outcome }) => outcome === "ok")) {
        const { body, headers } = yield* get(one, path)
        assert.deepStrictEqual(yield* Effect.map(get(again, path), (same) => [same.body, same.headers]), [
          body,
          headers
        ])
        if (!body.includes("<h1>")) continue
        assert.notStrictEqual((yield* get(other, path)).body, body)
      }
    })
  )

  it.effect("have a title, headings and text of their own", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const titles = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (page) =>
        Effect.map(get(site, `/page/${page}`), ({ body }) => {
          assert.match(body, /<h1>\w+( \w+)+<\/h1>\n<h2>\w+( \w+)+<\/h2>\n<p>[^<]{20,}\.<\/p>/)
          return /<title>(.*)<\/title>/.exec(body)?.[1]
        })
      )
      assert.strictEqual(new Set(titles).size, 6)
    })
  )

  it.effect("with unicode and long paths are found at one address each, however they are linked", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const links = linksOf(yield* get(site, "/"))
      const unicode = links.filter((link) => link.includes("/unicode/"))
      assert.strictEqual(unicode.length, 2)
      assert.strictEqual(new Set(unicode).size, 1)
      const long = links.find((link) => link.includes("/long/")) ?? ""
      assert.isTrue(long.length > 7900 && long.length < 8100)
      assert.strictEqual(yield* statusOf(site, long), 200)
      const { body } = yield* get(site, "/")
      assert.include(Buffer.from(body, "latin1").toString(), `href="/unicode/größe/頁"`)
    })
  )

  it.effect("redirect to a name that no resolver needs to be asked for", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const location = yield* Effect.promise(async () => {
        const { headers } = await fetch(new URL("/redirect-nowhere", site.url), { redirect: "manual" })
        return headers.get("location")
      })
      assert.match(location ?? "", /^http:\/\/[a-z-]{64,}\.invalid\/$/)
    })
  )

  it.effect("that are not on the site are 404", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      assert.strictEqual(yield* statusOf(site, "/no/such/page"), 404)
      assert.strictEqual(yield* statusOf(site, "/page/7"), 404)
      assert.strictEqual(yield* statusOf(site, "/page/1?with=query"), 200)
    })
  )

  it.effect("under /private/ are forbidden by robots.txt, and there", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const robots = yield* get(site, "/robots.txt")
      assert.match(robots.headers["content-type"] ?? "", /^text\/plain/)
      assert.strictEqual(robots.body, "User-agent: *\nDisallow: /private/\n")
      assert.strictEqual(yield* statusOf(site, "/private/"), 200)
    })
  )

  it.effect("that are binary, empty or without links say so", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const binary = yield* get(site, "/binary")
      assert.deepStrictEqual([binary.headers["content-type"], binary.body.length], ["application/octet-stream", 256])
      const empty = yield* get(site, "/no-content")
      assert.deepStrictEqual([empty.status, empty.body], [204, ""])
      assert.deepStrictEqual(linksOf(yield* get(site, "/no-links")), [])
      const moved = yield* get(site, "/redirect")
      assert.strictEqual(moved.url, new URL("/page/1", site.url).href)
    })
  )
})

describe("slow answers", () => {
  it.effect("come in full once the delay is over", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make({ delay: "1 hour" })
      const slow = yield* Effect.forkChild(get(site, "/slow-headers"))
      const stalled = yield* Effect.forkChild(get(site, "/stalled-body"))
      // Every answer is proof that the site had its turn.
      yield* Effect.repeat(Effect.andThen(get(site, "/no-links"), site.requests), {
        until: (log) => log.filter(({ path }) => path !== "/no-links").length === 2
      })
      yield* TestClock.adjust("1 hour")
      for (const answer of [yield* Fiber.join(slow), yield* Fiber.join(stalled)]) {
        assert.strictEqual(answer.status, 200)
        assert.match(answer.body, /<\/html>\n$/)
      }
    })
  )

  it.effect("send half of the body before they stall", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const [length, chunk] = yield* Effect.promise(async () => {
        const response = await fetch(new URL("/stalled-body", site.url))
        const reader = response.body?.getReader()
        const { value } = (await reader?.read()) ?? {}
        await reader?.cancel()
        return [Number(response.headers.get("content-length")), value] as const
      })
      assert.strictEqual(chunk?.length, length >> 1)
    })
  )

  it.effect("of any size are made no faster than they are read", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make({ hugeBytes: 2 ** 50 })
      const read = yield* Effect.promise(async () => {
        const response = await fetch(new URL("/huge", site.url))
        let bytes = 0
        for await (const chunk of response.body ?? []) {
          bytes += chunk.length
          if (bytes > 1_000_000) break
        }
        return bytes
      })
      assert.isAbove(read, 1_000_000)
      assert.strictEqual(yield* statusOf(site, "/no-links"), 200)
    })
  )

  it.effect("of a given size have that size, and do not tell it in advance", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make({ hugeBytes: 1_234_567 })
      const { body, headers } = yield* get(site, "/huge")
      assert.strictEqual(body.length, 1_234_567)
      assert.isUndefined(headers["content-length"])
    })
  )
})

describe("answers that ask for patience", () => {
  const logOf = (site: HostileSite.HostileSite) =>
    Effect.map(site.requests, (log) => log.map(({ at, attempt, tooEarly }) => [at, attempt, tooEarly]))

  it.effect("429 tells seconds, refuses who comes too early, and starts the wait anew", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make({ retryAfter: "1500 millis" })
      const first = yield* get(site, "/rate-limited")
      assert.deepStrictEqual([first.status, first.headers["retry-after"]], [429, "2"])
      yield* TestClock.adjust("1999 millis")
      const second = yield* get(site, "/rate-limited")
      assert.deepStrictEqual([second.status, second.headers["retry-after"]], [429, "2"])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* statusOf(site, "/rate-limited"), 200)
      assert.strictEqual(yield* statusOf(site, "/rate-limited"), 200)
      assert.deepStrictEqual(yield* logOf(site), [
        [0, 1, false],
        [1999, 2, true],
        [3999, 3, false],
        [3999, 4, false]
      ])
    })
  )

  it.effect("503 tells a date in whole seconds, never sooner than asked, and never succeeds before it", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      yield* TestClock.setTime(1_800_000_000_001)
      const first = yield* get(site, "/unavailable")
      assert.deepStrictEqual([first.status, first.headers["retry-after"]], [503, "Fri, 15 Jan 2027 08:00:02 GMT"])
      yield* TestClock.setTime(1_800_000_001_999)
      const second = yield* get(site, "/unavailable")
      assert.deepStrictEqual([second.status, second.headers["retry-after"]], [503, "Fri, 15 Jan 2027 08:00:03 GMT"])
      yield* TestClock.setTime(1_800_000_003_000)
      assert.strictEqual(yield* statusOf(site, "/unavailable"), 200)
      assert.deepStrictEqual(
        (yield* site.requests).map(({ tooEarly }) => tooEarly),
        [false, true, false]
      )
    })
  )

  const millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))

  it.effect.prop(
    "ask for at least the option's wait, and for less than a second more",
    [millis, millis],
    ([start, wait]) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(start)
        const site = yield* HostileSite.make({ retryAfter: wait })
        const seconds = Number((yield* get(site, "/rate-limited")).headers["retry-after"])
        const date = Date.parse((yield* get(site, "/unavailable")).headers["retry-after"] ?? "")
        for (const asked of [seconds * 1000, date - start]) {
          assert.isTrue(asked >= wait && asked < wait + 1000, `${asked} for ${wait} at ${start}`)
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 25, seed: 1 } }
  )

  it.effect("500 comes twice, and is counted for its own path only", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      const statuses = yield* Effect.forEach(["/flaky", "/page/1", "/flaky", "/flaky", "/flaky"], (path) =>
        statusOf(site, path)
      )
      assert.deepStrictEqual(statuses, [500, 200, 500, 200, 200])
      assert.deepStrictEqual(
        (yield* site.requests).map(({ attempt, path }) => [path, attempt]),
        [
          ["/flaky", 1],
          ["/page/1", 1],
          ["/flaky", 2],
          ["/flaky", 3],
          ["/flaky", 4]
        ]
      )
    })
  )

  it.effect("start anew after a reset, and the log is empty", () =>
    Effect.gen(function* () {
      const site = yield* HostileSite.make()
      for (const path of ["/flaky", "/flaky", "/rate-limited"]) yield* statusOf(site, path)
      const before = yield* site.requests
      yield* site.reset
      assert.deepStrictEqual(yield* site.requests, [])
      assert.strictEqual(before.length, 3)
      assert.strictEqual(yield* statusOf(site, "/flaky"), 500)
      assert.strictEqual(yield* statusOf(site, "/rate-limited"), 429)
      assert.deepStrictEqual(yield* logOf(site), [
        [0, 1, false],
        [0, 1, false]
      ])
    })
  )
})
