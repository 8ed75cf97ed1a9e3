import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as ItemError from "@redrive/core/ItemError"
import * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import type * as Deliveries from "./Deliveries.ts"
import * as Links from "./Links.ts"

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
  /** How many items it has. */
  readonly total: number
  readonly done: number
  readonly failed: number
  /** The job whose pages it takes again. */
  readonly again_of: string | null
  /** The least time between two of its pages in a process, in milliseconds. */
  readonly pace: number
}

export const requestJson = Schema.fromJsonString(Schema.toCodecJson(CrawlApi.CrawlRequestBody))
export const readRequest = Schema.decodeSync(requestJson)
export const readError = Schema.decodeSync(Schema.fromJsonString(Schema.toCodecJson(ItemError.ItemError)))
export const readReason = Schema.decodeSync(Schema.fromJsonString(Schema.toCodecJson(JobError.Reason)))

const microsPerDollar = 1_000_000

/** How often a client is told to ask: a large job takes longer to answer, and to end. */
const pullDelayOf = (items: number) => Duration.millis(500 + items)

const encodeItem = Schema.encodeSync(Wire.ItemBody)

/** Jobs that ended since their account's balance was not enough. */
export const isUnpaid = (sql: SqlClient.SqlClient): Statement.Fragment =>
  sql`status = 'error' AND error LIKE '%InsufficientBalance%'`

/** What the API answers of a failure. */
export const answerOf = (error: ItemError.ItemError): string => {
  const at = DateTime.makeUnsafe(0)
  const { error_code, last_error, reason, retry_after_ms } = encodeItem(
    new Job.Item({ ...nowhere, url: error.url, createdAt: at, updatedAt: at, error })
  )
  return JSON.stringify({ error_code, last_error, reason, retry_after_ms })
}

/** What tells a failure from others, as its row has it. */
export const failureOf = ({ reason }: ItemError.ItemError) => ({
  code: reason.code,
  detail: reason.detail ?? "",
  actor: reason.row.actor
})

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
 * An item as the API answers it, as the database writes it: a job has thousands of them, and is asked for again and again. `links` is what the links to
 * the job's texts begin with. A test compares it with the codec of `Wire`.
 */
export const itemJson = (
  sql: SqlClient.SqlClient,
  formats: ReadonlySet<Job.Format>,
  links: string,
  hasLinks: boolean
): Statement.Fragment => {
  const object = sql.literal(sql.onDialectOrElse({ sqlite: () => "json_object", orElse: () => "json_build_object" }))
  const linkTo = (format: Job.Format) =>
    formats.has(format)
      ? sql`CASE status WHEN 'done' THEN CAST(${`${links}/`} AS TEXT) || id || ${sql.literal(`'${Links.endings[format]}'`)} ELSE '' END`
      : sql.literal("''")
  const head = sql`${object}('id', id, 'job_id', job_id, 'original_url', url, 'referred_url', referred_url, 'depth', depth,
    'page_status_code', page_status, 'status', CASE status WHEN 'cancelled' THEN 'canceled' ELSE status END, 'title', title,
    'cost', CAST(cost AS DOUBLE PRECISION) / ${sql.literal(String(microsPerDollar))},
    'raw_content_url', ${linkTo("html")}, 'cleaned_content_url', ${linkTo("cleaned")}, 'markdown_content_url', ${linkTo("markdown")},
    'created_at', created_at, 'updated_at', updated_at, 'attempts', attempts)`
  const found = hasLinks ? sql`coalesce((SELECT links FROM texts WHERE item_id = items.id), '[]')` : sql.literal("'[]'")
  // Failures and links are kept as JSON.
  return sql`rtrim(CAST(${head} AS TEXT), '}') || ',' ||
    CASE answer WHEN '' THEN ${sql.literal(`'${unfailed}'`)} ELSE substr(answer, 2, length(answer) - 2) END || ',"links":' || ${found} || '}'`
}

/** A job as the API answers it, with some of its items. */
export const jobJson = (
  row: JobRow,
  request: CrawlApi.CrawlRequest,
  items: ReadonlyArray<{ readonly item: string }>,
  webhook: Deliveries.State
): string => {
  const { job_items: _, ...job } = encodeJob(jobOf(row, request, webhook))
  return `${JSON.stringify(job).slice(0, -1)},"job_items":[${items.map(({ item }) => item).join(",")}]}`
}

const encodeJob = Schema.encodeSync(Wire.JobBody)

const jobOf = (row: JobRow, request: CrawlApi.CrawlRequest, webhook: Deliveries.State): Job.Job =>
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
    recommendedPullDelay: pullDelayOf(row.total),
    itemsTotal: row.total,
    itemsDone: row.done,
    itemsFailed: row.failed,
    items: [],
    createdAt: DateTime.makeUnsafe(row.created_at),
    updatedAt: DateTime.makeUnsafe(row.updated_at),
    ...(request.maxDepth === undefined ? {} : { maxDepth: request.maxDepth }),
    ...(row.finished_at === null ? {} : { finishedAt: DateTime.makeUnsafe(row.finished_at) }),
    ...(row.error === null ? {} : { error: readReason(row.error) })
  })
