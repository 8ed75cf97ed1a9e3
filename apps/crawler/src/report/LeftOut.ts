/**
 * Pages that a crawl was led to and did not follow, each once.
 */

import type * as Visits from "../service/Visits.ts"

export interface LeftOut extends Readonly<Record<Visits.LeftOut["why"], ReadonlySet<string>>> {
  readonly see: (links: Visits.LeftOut) => void
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
