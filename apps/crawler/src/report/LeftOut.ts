/**
 * Pages that a crawl was led to and did not follow, each once.
 */

import type * as Crawler from "../service/Crawler.ts"

export interface LeftOut extends Readonly<Record<Crawler.LeftOut["why"], ReadonlySet<string>>> {
  readonly see: (links: Crawler.LeftOut) => void
}

/** The most that are told apart. */
export const most = 100_000

export const make = (): LeftOut => {
  const seen = { scope: new Set<string>(), depth: new Set<string>() }
  return {
    ...seen,
    see: ({ urls, why }) => {
      for (const url of urls) if (seen[why].size < most) seen[why].add(url)
    }
  }
}
