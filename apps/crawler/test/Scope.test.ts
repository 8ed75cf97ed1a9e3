import { assert, describe, it } from "@effect/vitest"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as Result from "effect/Result"
import * as Scope from "../src/page/Scope.ts"

type Rules = Partial<Pick<CrawlApi.CrawlRequest, "whitelistRegexp" | "blacklistRegexp" | "allowSubdomains">>

const scope = (rules: Rules = {}) =>
  Result.getOrThrow(Scope.make(CrawlApi.CrawlRequest.make({ url: "https://example.com:8443/start", ...rules })))

describe("a link belongs to a crawl", () => {
  const links: ReadonlyArray<readonly [link: string, rules: Rules, belongs: boolean]> = [
    ["https://example.com:8443/", {}, true],
    ["http://example.com:8443/", {}, true],
    ["https://example.com/", {}, false],
    ["https://www.example.com:8443/", {}, false],
    ["https://www.example.com:8443/", { allowSubdomains: true }, true],
    ["https://notexample.com:8443/", { allowSubdomains: true }, false],
    ["mailto:me@example.com", {}, false],
    ["https://user:password@example.com:8443/", {}, false],
    ["https://example.com:8443/docs/a", { whitelistRegexp: "/docs/" }, true],
    ["https://example.com:8443/blog/a", { whitelistRegexp: "/docs/" }, false],
    ["https://example.com:8443/docs/old", { whitelistRegexp: "/docs/", blacklistRegexp: "old$" }, false]
  ]
  for (const [link, rules, belongs] of links) {
    it(`${belongs ? "yes" : "no"}: ${link} ${JSON.stringify(rules)}`, () => {
      assert.strictEqual(scope(rules)(link) !== undefined, belongs)
    })
  }

  it("under its URL without the fragment", () => {
    assert.strictEqual(scope()("https://example.com:8443/a?b=c#d"), "https://example.com:8443/a?b=c")
  })
})

describe("a pattern", () => {
  for (const field of ["whitelistRegexp", "blacklistRegexp"] as const) {
    it(`that is none is refused by its field: ${field}`, () => {
      const made = Scope.make(CrawlApi.CrawlRequest.make({ url: "https://example.com/", [field]: "(" }))
      assert.isTrue(Result.isFailure(made))
      if (Result.isFailure(made)) assert.strictEqual(made.failure.field, field.replace("Regexp", "_regexp"))
    })
  }

  it("from a stranger cannot stop the service: a bomb for other engines is matched in linear time", () => {
    const bomb = scope({ whitelistRegexp: "^https://example.com:8443/(a+)+$" })
    assert.isUndefined(bomb(`https://example.com:8443/${"a".repeat(5000)}!`))
  })
})
