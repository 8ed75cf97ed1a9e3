import type * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as ItemError from "@redrive/core/ItemError"
import * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

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
}

/** A row of `items`. */
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
  readonly error: string | null
  readonly created_at: string
  readonly updated_at: string
}

const decodeItemError = Schema.decodeSync(Schema.fromJsonString(Schema.toCodecJson(ItemError.ItemError)))
const decodeJobReason = Schema.decodeSync(Schema.fromJsonString(Schema.toCodecJson(JobError.Reason)))
const decodeLinks = Schema.decodeSync(Schema.fromJsonString(Schema.Array(Schema.String)))

const microsPerDollar = 1_000_000

/** How often a client is told to ask. */
const pullDelay = Duration.millis(500)

export const itemOf = (row: ItemRow): Job.Item =>
  new Job.Item({
    id: row.id,
    jobId: row.job_id,
    url: row.url,
    referredUrl: row.referred_url,
    depth: row.depth,
    status: row.status,
    pageStatus: row.page_status,
    title: row.title,
    cost: row.cost / microsPerDollar,
    attempts: row.attempts,
    links: decodeLinks(row.links),
    rawContentUrl: "",
    cleanedContentUrl: "",
    markdownContentUrl: row.status === "done" ? `/v1/job/${row.job_id}/item/${row.id}/markdown` : "",
    createdAt: DateTime.makeUnsafe(row.created_at),
    updatedAt: DateTime.makeUnsafe(row.updated_at),
    ...(row.error === null ? {} : { error: decodeItemError(row.error) })
  })

export const jobOf = (row: JobRow, request: CrawlApi.CrawlRequest, items: ReadonlyArray<Job.Item>): Job.Job =>
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
    webhookUrl: "",
    webhookStatus: "",
    webhookError: "",
    recommendedPullDelay: pullDelay,
    items,
    createdAt: DateTime.makeUnsafe(row.created_at),
    updatedAt: DateTime.makeUnsafe(row.updated_at),
    ...(request.maxDepth === undefined ? {} : { maxDepth: request.maxDepth }),
    ...(row.finished_at === null ? {} : { finishedAt: DateTime.makeUnsafe(row.finished_at) }),
    ...(row.error === null ? {} : { error: decodeJobReason(row.error) })
  })
