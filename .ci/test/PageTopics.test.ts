import { assert, describe, it } from "vitest"
import { gaps, unsaid } from "../page-topics.ts"

const page = (text: string, path = "docs/strategies/one.md") => ({ path, text })
const program = '```ts\nimport * as Breaker from "@redrive/retry/Breaker"\n```'

describe("the pages of strategies and adapters", () => {
  it("are about every field and every module", () => {
    const pages = [page(`<!-- about: fields breaker, trip; modules retry/Breaker -->\n${program}`)]
    const of = (kind: "fields" | "modules", ...names: ReadonlyArray<string>) =>
      gaps(pages, { folder: "strategies", kind, names })
    assert.deepStrictEqual(of("fields", "breaker", "trip"), [])
    assert.deepStrictEqual(of("modules", "retry/Breaker"), [])
    assert.deepStrictEqual(of("fields", "breaker", "trip", "hedge"), ["hedge: no page of docs/strategies is about it"])
    assert.deepStrictEqual(of("fields", "breaker"), ["docs/strategies/one.md: is about trip, which is not there"])
  })

  it("count only in their own folder, and only with a program of the module", () => {
    const names = ["retry/Breaker"]
    const elsewhere = [page("<!-- about: modules retry/Breaker -->", "docs/adapters/one.md")]
    const without = [page("<!-- about: modules retry/Breaker -->")]
    assert.deepStrictEqual(gaps(elsewhere, { folder: "strategies", kind: "modules", names }), [
      "retry/Breaker: no page of docs/strategies is about it"
    ])
    assert.deepStrictEqual(gaps(without, { folder: "strategies", kind: "modules", names }), [
      "docs/strategies/one.md: is about retry/Breaker, and no program of it imports that"
    ])
  })

  it("say no metric and no reason that no package says", () => {
    const text = "`because` `retries` and `because` `luck`, `redrive_retries_total` and `redrive_wishes_total`"
    const said = unsaid(
      page(text),
      (name) => name === "redrive_retries_total",
      (name) => name === "retries"
    )
    assert.deepStrictEqual(said, [
      "docs/strategies/one.md: no package says redrive_wishes_total",
      "docs/strategies/one.md: no package says luck"
    ])
  })
})
