/**
 * Reports of crawls that are made up, by way of the jobs from which a crawl makes its own.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as Job from "@redrive/core/Job"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { Run } from "../../src/cli/Run.ts"
import type { Report } from "../../src/report/Report.ts"
import * as Tell from "../../src/report/Tell.ts"
import { pagePolicy } from "../../src/service/PagePolicy.ts"
import type { Story } from "../../src/page/Story.ts"
import { now, svg } from "./fixtures.ts"

const jobId = "7c1e0f3a-5b0b-4f0e-9a55-5d0c8a3f1b11"
const begun = now - 240_000
const time = (at: number) => DateTime.makeUnsafe(at)

/** A page as a test gives it. */
interface Page {
  readonly url: string
  readonly title: string
  readonly reason?: ItemError.Reason
  readonly because?: string
  readonly story: Story
}

const itemOf = ({ reason, story, title, url }: Page, index: number): Job.Item =>
  new Job.Item({
    id: `item-${index}`,
    jobId,
    url,
    referredUrl: "",
    depth: 1,
    status: reason === undefined ? "done" : "error",
    pageStatus: reason === undefined ? 200 : ((reason as { readonly status?: number }).status ?? 0),
    title,
    cost: reason === undefined ? 0.002 : 0,
    attempts: Math.max(1, story.length),
    links: [],
    rawContentUrl: "",
    cleanedContentUrl: "",
    markdownContentUrl: "",
    createdAt: time(begun),
    updatedAt: time(begun + (index % 200) * 1000),
    ...(reason !== undefined && { error: new ItemError.ItemError({ url, reason }) })
  })

const jobOf = (items: ReadonlyArray<Job.Item>): Job.Job =>
  new Job.Job({
    id: jobId,
    orgId: "shop",
    url: "https://www.example.com/",
    status: "done",
    scrapeType: "markdown",
    outputFormats: ["markdown"],
    whitelistRegexp: "",
    blacklistRegexp: "",
    allowSubdomains: true,
    itemsLimit: 100_000,
    respectRobotsTxt: true,
    webhookUrl: "",
    webhookStatus: "",
    webhookError: "",
    recommendedPullDelay: Duration.seconds(1),
    createdAt: time(begun),
    finishedAt: time(now - 1000),
    items
  })

const facts = {
  now,
  program: "redrive 0.1.0, Node.js 24.0.0",
  command: "redrive crawl https://www.example.com/ --respect-robots-txt --report report.html",
  policy: {
    pages: { policy: RetryPolicy.describe(pagePolicy), svg: svg("policies-outage.svg"), table: "failures  requests" },
    rounds: RetryPolicy.describe(RetryPolicy.make({ retries: 1 }))
  },
  stopped: [],
  leftOut: { scope: new Set(["https://example.org/"]), depth: new Set<string>(), see: () => undefined }
} as const

/** The report of a crawl with these pages. */
export const reportOf = (
  { done, failed }: { readonly failed: ReadonlyArray<Page>; readonly done: ReadonlyArray<Page> },
  as: (page: Page, index: number) => Page = (page) => page
): Report => {
  const pages = [...done, ...failed].map((page, index) => ({ ...as(page, index), index }))
  const items = pages.map((page) => itemOf(page, page.index))
  const remaining = items.flatMap((item, index) =>
    item.error === undefined ? [] : [{ item, error: item.error, because: pages[index]?.because ?? "permanent" }]
  )
  const run: Run = { jobs: [jobOf(items)], saved: [], remaining, rounds: 0, isCut: false }
  return Tell.of(run, new Map(pages.map(({ index, story }) => [`item-${index}`, story])), facts)
}

const failedAt = (at: number, code: string, detail: string, status: number) =>
  ({ at, ms: 120, end: "failed", code, detail, status }) as const

const unavailable = (index: number): Story => {
  const at = begun + (index % 100) * 1000
  const failed = (after: number) => failedAt(at + after, "host_returned_error", "unavailable", 503)
  return [
    { ...failed(0), wait: { ms: 3000, why: "backoff" } },
    { ...failed(3200), wait: { ms: 60_000, why: "retry_after" } },
    failed(63_400)
  ]
}

const reasons: ReadonlyArray<readonly [reason: ItemError.Reason, because: string]> = [
  [new ItemError.HostReturnedError({ status: 503, detail: "unavailable" }), "retries"],
  [new ItemError.HostReturnedError({ status: 404, detail: "not_found" }), "permanent"],
  [new ItemError.WebsiteAccessDenied({ status: 403, detail: "forbidden" }), "permanent"],
  [new ItemError.InternalError({ detail: "proxy_login" }), "parked"]
]

/** Failed pages of 37 hosts. */
export const failedPages = (count: number): ReadonlyArray<Page> =>
  Array.from({ length: count }, (_, index) => {
    const [reason, because] = reasons[index % reasons.length]!
    const { code, detail = "" } = reason
    return {
      url: `https://host${index % 37}.example.com/products/${index}?from=list`,
      title: "",
      reason,
      because,
      story: index % 4 === 0 ? unavailable(index) : [failedAt(begun + index, code, detail, 404)]
    }
  })

/** Pages that were read, one in seven of them at its second attempt. */
export const readPages = (count: number): ReadonlyArray<Page> =>
  Array.from({ length: count }, (_, index) => {
    const at = begun + (index % 200) * 1000
    const first = {
      ...failedAt(at, "host_returned_error", "bad_gateway", 502),
      wait: { ms: 2000, why: "backoff" }
    } as const
    return {
      url: `https://www.example.com/articles/${index}`,
      title: `Article ${index} – Example`,
      story: index % 7 === 0 ? [first, { at: at + 2300, ms: 90, end: "ok" }] : []
    }
  })

export const report = reportOf({ failed: failedPages(12), done: readPages(30) })

export const emptyReport = reportOf({ failed: [], done: [] })
