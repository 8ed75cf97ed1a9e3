import * as Zlib from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Service from "../src/service/Service.ts"
import { crawl, layer } from "./api.ts"
import { serve } from "./origin.ts"

const test = (name: string, program: Effect.Effect<unknown, unknown, Service.Service | Scope.Scope>) =>
  it.live(name, () => Effect.provide(program, layer()))

/** A site of one page that leads nowhere; `files` are its other files, whose `HOST` is its address, and `packed` those that are sent otherwise. All pages are there. */
const site = Effect.fnUntraced(function* (
  files: { readonly [path: string]: string },
  packed: { readonly [path: string]: (host: string) => Buffer } = {}
) {
  const asked: Array<string> = []
  const url = yield* serve((request, response) => {
    const path = request.url ?? ""
    asked.push(path)
    const bytes = packed[path]?.(`http://${request.headers.host}`)
    if (bytes !== undefined) return response.writeHead(200, { "content-type": "application/x-gzip" }).end(bytes)
    const file = files[path]?.replaceAll("HOST", `http://${request.headers.host}`)
    if (file === undefined && /\.(xml|txt)$/.test(path)) return response.writeHead(404).end()
    const type = file === undefined ? "text/html" : path.endsWith(".xml") ? "application/xml" : "text/plain"
    return response.writeHead(200, { "content-type": type }).end(file ?? `<p>the page ${path}</p>`)
  })
  return { asked, url }
})

const pathsOf = (job: { readonly job_items: ReadonlyArray<{ readonly original_url: string }> }) =>
  job.job_items.map(({ original_url }) => {
    const { pathname, search } = new URL(original_url)
    return pathname + search
  })

const urlset = (...places: ReadonlyArray<string>) =>
  `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${places.map((place) => `<url><loc>${place}</loc></url>`).join("")}</urlset>`

describe("a site's sitemaps", () => {
  test(
    "are read on request: those that robots.txt names, an index, escapes and CDATA, texts, and nothing outside of the crawl",
    Effect.gen(function* () {
      const { url } = yield* site({
        "/robots.txt": "User-agent: *\nDisallow: /none\nSITEMAP: HOST/index.xml\n  sitemap : /list.txt\n",
        "/index.xml": `<sm:sitemapindex xmlns:sm="http://www.sitemaps.org/schemas/sitemap/0.9"><sm:sitemap><sm:loc>
          HOST/one.xml </sm:loc></sm:sitemap><sm:sitemap><sm:loc>HOST/gone.xml</sm:loc></sm:sitemap>
          <sm:sitemap><sm:loc>HOST/index.xml</sm:loc></sm:sitemap></sm:sitemapindex>`,
        "/one.xml": urlset(
          "HOST/a?x=1&amp;y=2",
          "<![CDATA[HOST/b?x=1&y=2]]>",
          "http://127.0.0.2:1/elsewhere",
          "HOST/a?x=1&amp;y=2#part"
        ),
        "/list.txt": `HOST/c\nHOST/d\r\n\nHOST/${"e".repeat(8190)}`
      })
      const job = yield* crawl({ url, items_limit: 20, use_sitemap: true })
      assert.sameMembers(pathsOf(job), ["/", "/a?x=1&y=2", "/b?x=1&y=2", "/c", "/d"])
      assert.strictEqual(job.items_done, 5)
    })
  )

  test(
    "are `/sitemap.xml` where robots.txt names none, and count within the crawl's limits",
    Effect.gen(function* () {
      const places = Array.from({ length: 40 }, (_, n) => `HOST/${n}`)
      const { asked, url } = yield* site({ "/sitemap.xml": urlset(...places) })
      assert.lengthOf((yield* crawl({ url, items_limit: 10, use_sitemap: true })).job_items, 10)
      assert.deepStrictEqual(pathsOf(yield* crawl({ url, items_limit: 10, max_depth: 0, use_sitemap: true })), ["/"])
      asked.length = 0
      assert.deepStrictEqual(pathsOf(yield* crawl({ url, items_limit: 10 })), ["/"])
      assert.deepStrictEqual(asked, ["/"])
      const chosen = yield* crawl({ url, items_limit: 50, whitelist_regexp: "/1\\d$", use_sitemap: true })
      assert.lengthOf(chosen.job_items, 11)
    })
  )

  test(
    "that cannot be read stop no crawl",
    Effect.gen(function* () {
      const { url } = yield* site({
        "/robots.txt": "Sitemap: http://[\nSitemap: ftp://a/b\nSitemap: /broken.xml",
        "/broken.xml": "<urlset><url><loc>"
      })
      const job = yield* crawl({ url, items_limit: 10, use_sitemap: true })
      assert.deepInclude(job, { status: "done", items_total: 1, items_done: 1 })
    })
  )

  test(
    "may be gzip files, by whatever name; one that is cut, wrong or too large stops no other",
    Effect.gen(function* () {
      const packed = (text: string) => (host: string) => Zlib.gzipSync(text.replaceAll("HOST", host))
      const { url } = yield* site(
        { "/robots.txt": "Sitemap: /index.xml.gz\nSitemap: /list.txt.gz\nSitemap: /cut.xml.gz" },
        {
          "/index.xml.gz": packed(
            `<sitemapindex>${["cut", "wrong", "bomb", "one"].map((name) => `<sitemap><loc>HOST/${name}.xml.gz</loc></sitemap>`).join("")}</sitemapindex>`
          ),
          "/list.txt.gz": packed("HOST/a\nHOST/b\n"),
          "/cut.xml.gz": (host) => packed(urlset("HOST/cut"))(host).subarray(0, -4),
          "/wrong.xml.gz": () => Buffer.from("\x1f\x8bno", "latin1"),
          "/bomb.xml.gz": () => Zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024, " ")),
          "/one.xml.gz": packed(urlset("HOST/c"))
        }
      )
      const job = yield* crawl({ url, items_limit: 20, use_sitemap: true })
      assert.sameMembers(pathsOf(job), ["/", "/a", "/b", "/c"])
      assert.strictEqual(job.items_done, 4)
    })
  )
})
