/**
 * What a crawl came to, counted: pages by outcome, retries spent, pages saved.
 */
import type * as Catalogue from "@redrive/core/Catalogue"
import * as ItemError from "@redrive/core/ItemError"
import type * as Job from "@redrive/core/Job"
import * as Verdict from "@redrive/core/Verdict"
import type { Failure, Run } from "./Run.ts"

/** Pages that failed in the same way; a job that did not run is a row without pages. */
export interface Row {
  readonly level: Catalogue.Level
  readonly code: string
  readonly detail: string
  readonly verdict: string
  readonly actor: Catalogue.Actor
  readonly pages: number
}

/**
 * Counts of pages are counts of URLs. `retries` are fetches beyond a page's first one, in any round; `savedByRetry` pages
 * succeeded within their job after a failed fetch, `savedByRedrive` pages in a further round; `cancelled` were not fetched.
 */
export interface Tally {
  readonly pages: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
  readonly retries: number
  readonly savedByRetry: number
  readonly savedByRedrive: number
  readonly rows: ReadonlyArray<Row>
}

export const of = (run: Run): Tally => {
  const items = run.jobs.flatMap((job) => job.items)
  const urls = (matches: (item: Job.Item) => boolean) => new Set(items.filter(matches).map(({ url }) => url)).size
  const redriven = new Set(run.saved.map(({ item }) => item.url))
  const failed = new Set(run.remaining.map(({ item }) => item.url)).size
  const fetches = items.reduce((sum, item) => sum + item.attempts, 0)
  const pages = urls(() => true)
  const done = urls(({ status }) => status === "done")
  return {
    pages,
    done,
    failed,
    cancelled: pages - done - failed,
    retries: fetches - urls(({ attempts }) => attempts > 0),
    savedByRetry: urls(({ attempts, status, url }) => status === "done" && attempts > 1 && !redriven.has(url)),
    savedByRedrive: redriven.size,
    rows: rowsOf(run)
  }
}

const rowsOf = ({ error, remaining }: Run): ReadonlyArray<Row> => {
  const rows = new Map<string, Row>()
  const add = (failure: Failure, pages: number) => {
    const row = rowOf(failure)
    const key = [row.level, row.code, row.detail].join()
    rows.set(key, { ...row, pages: (rows.get(key)?.pages ?? 0) + pages })
  }
  if (error !== undefined) add(error, 0)
  for (const one of remaining) add(one.error, 1)
  return [...rows.values()].toSorted((a, b) => b.pages - a.pages || a.code.localeCompare(b.code))
}

const rowOf = (failure: Failure): Omit<Row, "pages"> => ({
  level: ItemError.isItemError(failure) ? "item" : "job",
  code: failure.code,
  detail: failure.reason.detail ?? "",
  verdict: Verdict.format(failure.verdict),
  actor: failure.reason.row.actor
})
