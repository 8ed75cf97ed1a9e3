import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Cookies from "../src/page/Cookies.ts"
import * as Fetcher from "../src/page/Fetcher.ts"
import { serve } from "./origin.ts"

/** A site whose page needs a cookie that its first answer sets; `seen` are the cookies that it was brought. */
const guarded = Effect.fnUntraced(function* (set: ReadonlyArray<string>) {
  const seen: Array<string | undefined> = []
  const url = yield* serve(({ headers: { cookie } }, response) => {
    seen.push(cookie)
    if (cookie === undefined) return response.writeHead(302, { location: "/page", "set-cookie": [...set] }).end()
    return response.writeHead(200, { "content-type": "text/html" }).end("page")
  })
  return { seen, url: new URL("/page", url).href }
})

const fetching = Effect.fnUntraced(
  function* (url: string, times = 1) {
    const fetcher = yield* Fetcher.Fetcher
    return yield* Effect.forEach(Array.from({ length: times }), () =>
      Effect.result(fetcher.fetch(url, { accept: "text/html" }))
    )
  },
  Effect.provide(Fetcher.layer({ allowPrivate: true }))
)

describe("a cookie", () => {
  const cases: ReadonlyArray<readonly [set: ReadonlyArray<string>, brought: string]> = [
    [["a=1"], "a=1"],
    [["a=1; Path=/; HttpOnly; SameSite=Lax", "b=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT"], "a=1; b=2"],
    [["a=1", "b=2; Path=/other"], "a=1"],
    [["a=1", "b=2; Domain=example.com"], "a=1"],
    [["a=1", "b=2; Max-Age=0"], "a=1"],
    [["a=1", ""], "a=1"]
  ]
  for (const [set, brought] of cases) {
    it.live(`that a redirect to the page itself sets is brought: ${String(set)}`, () =>
      Effect.gen(function* () {
        const { seen, url } = yield* guarded(set)
        const [result] = yield* fetching(url)
        assert.strictEqual(result?._tag, "Success")
        assert.deepStrictEqual(seen, [undefined, brought])
      })
    )
  }

  it.live("ends with its page", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* guarded(["a=1"])
      yield* fetching(url, 2)
      assert.deepStrictEqual(seen, [undefined, "a=1", undefined, "a=1"])
    })
  )

  it.live("that never satisfies the site is a loop", () =>
    Effect.gen(function* () {
      let asked = 0
      const url = yield* serve((_, response) => {
        asked++
        response.writeHead(302, { location: "/", "set-cookie": "a=1" }).end()
      })
      const [result] = yield* fetching(url)
      assert.deepInclude(result?._tag === "Failure" ? result.failure : {}, { detail: "redirect_loop" })
      assert.strictEqual(asked, 2)
    })
  )

  it("goes to no other host, to no page below another path, and not in the open where it is secure", () => {
    const cookies = Cookies.make()
    cookies.set(
      ["a=1", "b=2; Domain=site.test", "c=3; Secure", "d=4; Path=/x", "e=5; Domain=test"],
      "https://www.site.test/"
    )
    assert.strictEqual(cookies.of("https://www.site.test/"), "a=1; b=2; c=3")
    assert.strictEqual(cookies.of("http://www.site.test/x"), "d=4; a=1; b=2")
    assert.strictEqual(cookies.of("https://site.test/"), "b=2")
    assert.strictEqual(cookies.of("https://other.test/"), "")
  })
})
