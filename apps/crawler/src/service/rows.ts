import type * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as ItemError from "@redrive/core/ItemError"
import * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as Deliveries from "./Deliveries.ts"
import { formatsOf } from "./formats.ts"

/** A row of `jobs`. */
export interface JobRow {
  readonly id: string
  readonly account_id: string
  readonly request: string
  readonly status: Job.Status
  readonly error: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly finished_at: string | null
  /** Grows with every change of the job and its items. */
  readonly version: number
  /** The address by which whoever asked for it reached the service. */
  readonly origin: string
  /** How often its webhook was queued. */
  readonly deliveries: number
}

/** Where the text of an item is, in a format. */
export type Link = (itemId: string, format: Job.Format) => string

/** How many items a job has. */
export interface Counts {
  readonly total: number
  readonly done: number
  readonly failed: number
}

/** A row of `items`, without the text of the page. */
export interface ItemRow {
  readonly id: string
  readonly job_id: string
  readonly url: string
  readonly referred_url: string
  readonly depth: number
  readonly status: Job.Status
  readonly page_status: number
  readonly title: string
  readonly links: string
  readonly cost: number
  readonly attempts: number
  /** What the API answers of its failure, as JSON; empty if it has not failed. */
  readonly answer: string
  readonly created_at: string
  readonly updated_at: string
}

/** The columns of an `ItemRow`: whoever asks for a job does not ask for all its pages' texts. */
export const itemColumns =
  "id, job_id, url, referred_url, depth, status, page_status, title, links, cost, attempts, answer, created_at, updated_at"

export const readError = Schema.decodeSync(Schema.fromJsonString(Schema.toCodecJson(ItemError.ItemError)))
const decodeJobReason = Schema.decodeSync(Schema.fromJsonString(Schema.toCodecJson(JobError.Reason)))

const microsPerDollar = 1_000_000

/** How often a client is told to ask: a large job takes longer to answer, and to end. */
const pullDelayOf = (items: number) => Duration.millis(500 + items)

const encodeItem = Schema.encodeSync(Wire.ItemBody)

/** What the API answers of a failure. */
export const answerOf = (error: ItemError.ItemError): string => {
  const at = DateTime.makeUnsafe(0)
  const { error_code, last_error, reason, retry_after_ms } = encodeItem(
    new Job.Item({ ...nowhere, url: error.url, createdAt: at, updatedAt: at, error })
  )
  return JSON.stringify({ error_code, last_error, reason, retry_after_ms })
}

const nowhere = {
  id: "",
  jobId: "",
  referredUrl: "",
  depth: 0,
  status: "error",
  pageStatus: 0,
  title: "",
  cost: 0,
  attempts: 0,
  links: [],
  rawContentUrl: "",
  cleanedContentUrl: "",
  markdownContentUrl: ""
} as const

const unfailed = `"error_code":"","last_error":""`

/**
 * An item as the API answers it. It is written by hand, since a job has thousands of them and is asked for again and again; a test compares it with
 * the codec of `Wire`.
 */
const itemJson = (row: ItemRow, formats: ReadonlySet<Job.Format>, link: Link): string => {
  const { answer, job_id, referred_url, depth, status, title, cost, attempts, created_at, updated_at } = row
  const linkTo = (format: Job.Format) => (status === "done" && formats.has(format) ? link(row.id, format) : "")
  const head = JSON.stringify({
    id: row.id,
    job_id,
    original_url: row.url,
    referred_url,
    depth,
    page_status_code: row.page_status,
    status: status === "cancelled" ? "canceled" : status,
    title,
    cost: cost / microsPerDollar,
    raw_content_url: linkTo("html"),
    cleaned_content_url: linkTo("cleaned"),
    markdown_content_url: linkTo("markdown"),
    created_at,
    updated_at,
    attempts
  })
  // These two are kept as JSON.
  return `${head.slice(0, -1)},${answer === "" ? unfailed : answer.slice(1, -1)},"links":${row.links}}`
}

/** A job as the API answers it, with some of its items. `link` is where an item's text is. */
export const jobJson = (
  row: JobRow,
  request: CrawlApi.CrawlRequest,
  items: ReadonlyArray<ItemRow>,
  counts: Counts,
  link: Link,
  webhook: Deliveries.State
): string => {
  const formats = formatsOf(request)
  const { job_items: _, ...job } = encodeJob(jobOf(row, request, counts, webhook))
  return `${JSON.stringify(job).slice(0, -1)},"job_items":[${items.map((item) => itemJson(item, formats, link)).join(",")}]}`
}

const encodeJob = Schema.encodeSync(Wire.JobBody)

const jobOf = (row: JobRow, request: CrawlApi.CrawlRequest, counts: Counts, webhook: Deliveries.State): Job.Job =>
  new Job.Job({
    id: row.id,
    orgId: row.account_id,
    url: request.url,
    status: row.status,
    scrapeType: request.scrapeType,
    outputFormats: request.outputFormats,
    whitelistRegexp: request.whitelistRegexp,
    blacklistRegexp: request.blacklistRegexp,
    allowSubdomains: request.allowSubdomains,
    itemsLimit: request.itemsLimit,
    respectRobotsTxt: request.respectRobotsTxt,
    webhookUrl: request.webhookUrl ?? "",
    webhookStatus: webhook.status,
    webhookError: webhook.error,
    recommendedPullDelay: pullDelayOf(counts.total),
    itemsTotal: counts.total,
    itemsDone: counts.done,
    itemsFailed: counts.failed,
    items: [],
    createdAt: DateTime.makeUnsafe(row.created_at),
    updatedAt: DateTime.makeUnsafe(row.updated_at),
    ...(request.maxDepth === undefined ? {} : { maxDepth: request.maxDepth }),
    ...(row.finished_at === null ? {} : { finishedAt: DateTime.makeUnsafe(row.finished_at) }),
    ...(row.error === null ? {} : { error: decodeJobReason(row.error) })
  })
