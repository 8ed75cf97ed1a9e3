/**
 * The pages that a site names in its sitemaps, by the protocol of sitemaps.org: in those that its robots.txt names, or else in `/sitemap.xml`.
 * A sitemap is XML or a text with one address in each line, and may be a gzip file.
 *
 * A sitemap that cannot be had names no pages, and stops no crawl.
 */
import { decodeXML } from "entities"
import * as Effect from "effect/Effect"
import { mostUrl } from "./Bounds.ts"
import type * as Fetcher from "./Fetcher.ts"

/** The most sitemaps of a site: an index may name thousands. */
const mostSitemaps = 50

/** The most pages of a site: as many as the protocol lets one sitemap have. */
const mostPages = 50_000

/** What a site names, in its order, each once. `origin` is the site's. */
export const pagesOf = Effect.fnUntraced(function* (fetcher: Fetcher.Fetcher["Service"], origin: string) {
  const read = (url: string, unpack: boolean) =>
    Effect.map(
      Effect.tapError(fetcher.fetch(url, { accept: "*/*", unpack }), (reason) =>
        Effect.logDebug(`no sitemap: ${url}`, reason)
      ),
      ({ text }) => text
    ).pipe(Effect.orElseSucceed(() => ""))

  const named = [...(yield* read(`${origin}/robots.txt`, false)).matchAll(/^[ \t]*sitemap[ \t]*:[ \t]*(\S+)/gim)]
  const open = named.length === 0 ? [`${origin}/sitemap.xml`] : named.map(([, url = ""]) => url)
  const seen = new Set<string>()
  const pages = new Set<string>()
  for (let url = open.shift(); url !== undefined && seen.size < mostSitemaps; url = open.shift()) {
    const sitemap = URL.parse(url, origin)
    if (sitemap === null || !/^https?:$/.test(sitemap.protocol) || seen.has(sitemap.href)) continue
    seen.add(sitemap.href)
    const text = yield* read(sitemap.href, true)
    const isIndex = /<(?:[\w-]+:)?sitemapindex[\s>]/.test(text.slice(0, 4096))
    for (const place of placesOf(text)) {
      const page = isIndex ? undefined : URL.parse(place)?.href
      if (isIndex) open.push(place)
      else if (page !== undefined && isLink(page) && pages.size < mostPages) pages.add(page)
    }
  }
  return [...pages]
})

/** What a page could have linked to as well. */
const isLink = (url: string): boolean => url.length <= mostUrl && /^https?:/.test(url)

/**
 * The addresses in a sitemap. A tree of a sitemap of five megabytes would keep the API waiting; its
 * addresses can be found without one.
 */
const placesOf = function* (text: string) {
  if (!text.includes("<")) return yield* text.split(/\s+/).filter((word) => word !== "")
  for (const [, data, plain = ""] of text.matchAll(/<(?:[\w-]+:)?loc>\s*(?:<!\[CDATA\[([^<]*?)\]\]>|([^<]*))/g))
    yield data === undefined ? decodeXML(plain.trim()) : data.trim()
}
