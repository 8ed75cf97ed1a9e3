import { existsSync } from "node:fs"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { crawl, layer } from "./api.ts"
import { crawlee, type Found } from "./crawlee.ts"
import { folder } from "./files.ts"
import { nginx, noNginx } from "./nginx.ts"
import { serve } from "./origin.ts"

/** Documentation of Debian packages as HTML, where a crawl starts, and how many pages it finds at least. */
const trees = [
  // nginx redirects to the folder, with a slash at the end. The tree has links to files that are not there.
  { debianPackage: "libxml2-doc", root: "/usr/share/doc/libxml2-doc", start: "html", least: 80 },
  { debianPackage: "zsh-doc", root: "/usr/share/doc/zsh-common/html", start: "index.html", least: 30 }
]

const isMissing = (file: string, debianPackage: string): boolean => {
  if (existsSync(file)) return false
  process.stderr.write(`skipped: a crawl of ${file}, which is not there (apt-get install ${debianPackage})\n`)
  return true
}

interface Item {
  readonly original_url: string
  readonly status: string
  readonly reason?: string
}

/** What our service finds. It names items by the URL that led to them, so that redirects are followed once more here. */
const redrive = Effect.fnUntraced(function* (url: string) {
  const { job_items, status } = yield* crawl({ url, items_limit: 5000 })
  assert.strictEqual(status, "done")
  const items: ReadonlyArray<Item> = job_items
  const landed = (item: Item) => Effect.promise(async () => (await fetch(item.original_url)).url)
  const pages = new Set(
    yield* Effect.forEach(
      items.filter((item) => item.status === "done"),
      landed,
      { concurrency: 8 }
    )
  )
  // A second way to a page is no failure of Crawlee's.
  const failed = items.filter((item) => item.status === "error" && item.reason !== "duplicate")
  return { pages, failed: new Set(failed.map((item) => item.original_url)) } satisfies Found
})

/** URLs without their origin, whose port is another one in each run. */
const sorted = (urls: ReadonlySet<string>): ReadonlyArray<string> =>
  [...urls].map((url) => url.slice(new URL(url).origin.length)).toSorted()

describe.skipIf(noNginx)("a crawl of a documentation tree finds what Crawlee finds", () => {
  for (const { debianPackage, least, root, start } of trees) {
    it.live.skipIf(isMissing(`${root}/${start}`, debianPackage))(debianPackage, () =>
      Effect.gen(function* () {
        const url = `${yield* nginx(root, yield* folder)}${start}`
        const ours = yield* Effect.scoped(Effect.provide(redrive(url), layer()))
        const theirs = yield* Effect.promise(() => crawlee(url))
        assert.isAtLeast(ours.pages.size, least)
        assert.deepStrictEqual(sorted(ours.pages), sorted(theirs.pages))
        assert.deepStrictEqual(sorted(ours.failed), sorted(theirs.failed))
      })
    )
  }
})

describe("a crawl finds the pages that Crawlee finds", () => {
  it.live("where queries, redirects, a base and other hosts come together", () =>
    Effect.gen(function* () {
      const other = yield* serve((_, response) => void response.writeHead(200, { "content-type": "text/html" }).end())
      const links = [
        "/q?a=1&b=2",
        "/q?b=2&a=1",
        "/q?utm_source=x",
        "/q#part",
        "/dir",
        "/dir/",
        "/moved",
        "/away",
        "/based/"
      ]
      const pages: { readonly [path: string]: ReadonlyArray<string> } = {
        "/": [...links, other, "mailto:a@example.com", "HTTP://127.0.0.1:1/", "//127.0.0.1:1/x"],
        "/moved-here": ["/moved", "../up", "?only=query", "a%20b", "caf\u00e9", "&lt;&amp;&gt;"],
        "/based/": ["page", "/root"]
      }
      const url = yield* serve(({ url: path = "" }, response) => {
        if (path === "/moved") return response.writeHead(302, { location: "/moved-here" }).end()
        if (path === "/away") return response.writeHead(302, { location: other }).end()
        const base = path === "/based/" ? '<base href="/elsewhere/">' : ""
        const body = (pages[path] ?? []).map((link) => `<a href="${link}">x</a>`).join("")
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(base + body)
      })
      const ours = yield* Effect.scoped(Effect.provide(redrive(url), layer()))
      const theirs = yield* Effect.promise(() => crawlee(url))
      assert.deepStrictEqual(sorted(ours.pages), sorted(theirs.pages))
      // Crawlee passes over a redirect to another host; our service tells of it.
      assert.deepStrictEqual(sorted(ours.failed), ["/away"])
    })
  )
})
