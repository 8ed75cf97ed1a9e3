import type * as CrawlApi from "@redrive/crawl/CrawlApi"
import type * as Job from "@redrive/core/Job"

/** The formats in which a request wants its pages. */
export const formatsOf = ({ outputFormats, scrapeType }: CrawlApi.CrawlRequest): ReadonlySet<Job.Format> =>
  new Set([scrapeType, ...outputFormats])
