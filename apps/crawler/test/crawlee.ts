/**
 * Another crawler, which knows nothing of ours: what it finds on a site is what a crawl of the site should find.
 */
import { CheerioCrawler, Configuration, EnqueueStrategy, log, LogLevel } from "@crawlee/cheerio"

log.setLevel(LogLevel.OFF)

/** What a crawl found: the URLs where pages were, after their redirects, and those that could not be read. */
export interface Found {
  readonly pages: ReadonlySet<string>
  readonly failed: ReadonlySet<string>
}

const withoutFragment = (url: string): string => url.split("#", 1)[0] ?? url

/** Crawls all pages of the start's origin with Crawlee's CheerioCrawler, which keeps everything in memory. */
export const crawlee = async (start: string): Promise<Found> => {
  const pages = new Set<string>()
  const failed = new Set<string>()
  const crawler = new CheerioCrawler(
    {
      maxConcurrency: 8,
      maxRequestRetries: 0,
      // Text is a page, too.
      additionalMimeTypes: ["text/plain"],
      useSessionPool: false,
      statisticsOptions: { persistenceOptions: { enable: false } },
      requestHandler: async ({ enqueueLinks, request, response: { statusCode = 0 } }) => {
        // Crawlee calls an answer a page whatever its status below 500.
        if (statusCode < 200 || statusCode > 299) return void failed.add(withoutFragment(request.url))
        pages.add(withoutFragment(request.loadedUrl ?? request.url))
        await enqueueLinks({
          strategy: EnqueueStrategy.SameOrigin,
          selector: "a, area",
          // By itself Crawlee takes URLs for one page that differ in a slash at the end, in the order of their query, or in `utm_` parameters.
          transformRequestFunction: (found) => ({ ...found, uniqueKey: withoutFragment(found.url) })
        })
      },
      failedRequestHandler: ({ request }) => {
        failed.add(withoutFragment(request.url))
      }
    },
    new Configuration({ persistStorage: false, purgeOnStart: false })
  )
  await crawler.run([{ url: start, uniqueKey: start }])
  return { pages, failed }
}
