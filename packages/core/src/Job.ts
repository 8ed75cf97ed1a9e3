/**
 * A crawl job and its items, as a program sees them.
 *
 * Failed items carry an `ItemError`; a job that did not run carries a `JobError` reason. The `outcome` of a job is
 * derived, never sent.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as ItemError from "./ItemError.ts"
import * as JobError from "./JobError.ts"

/**
 * The status of a job or an item.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Status = Schema.Literals(["new", "in_progress", "done", "error", "cancelled"])

/**
 * The status of a job or an item. `done`, `error` and `cancelled` are final.
 *
 * @category models
 * @since 0.1.0
 */
export type Status = typeof Status.Type

/**
 * The format in which a page is returned.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Format = Schema.Literals(["html", "cleaned", "markdown"])

/**
 * The format in which a page is returned: its HTML, its cleaned HTML (without scripts, styles and navigation), or Markdown.
 *
 * @category models
 * @since 0.1.0
 */
export type Format = typeof Format.Type

/**
 * One page of a job. `cost` is in US dollars; `attempts` counts the fetches that ended, including the last one.
 *
 * @category models
 * @since 0.1.0
 */
export class Item extends Schema.Class<Item>("@redrive/core/Job/Item")({
  /** The item's id. */
  id: Schema.String,
  /** The id of the job that the item belongs to. Empty if the answer has none. */
  jobId: Schema.String,
  /** The URL of the page; the API calls it `original_url`. Empty if the answer has none. */
  url: Schema.String,
  /** The URL of the page that links to this one. Empty for the first page of a job. */
  referredUrl: Schema.String,
  /** The number of links followed from the first page, which has depth 0. */
  depth: Schema.Int,
  /**
   * How far the item has come. Only an item in `error` has an `error`, whatever codes the answer has. The API writes `canceled` for
   * `cancelled`.
   */
  status: Status,
  /** The HTTP status of the page; the API calls it `page_status_code`. 0 if the page gave no usable answer. */
  pageStatus: Schema.Int,
  /** The title of the page. Empty if it has none. */
  title: Schema.String,
  /** The price of the item in US dollars. */
  cost: Schema.Finite,
  /** How many fetches of the page ended, including the last one. 0 if the answer does not say. */
  attempts: Schema.Int,
  /** The URLs that the page links to. */
  links: Schema.Array(Schema.String),
  /** The URL of the page's HTML. Empty if this format was not asked for. */
  rawContentUrl: Schema.String,
  /** The URL of the page's cleaned HTML. Empty if this format was not asked for. */
  cleanedContentUrl: Schema.String,
  /** The URL of the page as Markdown. Empty if this format was not asked for. */
  markdownContentUrl: Schema.String,
  /** When the item was created. Absent if the answer does not say. */
  createdAt: Schema.optionalKey(Schema.DateTimeUtc),
  /** When the item last changed. Absent if the answer does not say. */
  updatedAt: Schema.optionalKey(Schema.DateTimeUtc),
  /** Why the item failed. Present only if the status is `error`. */
  error: Schema.optionalKey(ItemError.ItemError)
}) {}

/**
 * A crawl job with its items: the settings of its request, and its results.
 *
 * @category models
 * @since 0.1.0
 */
export class Job extends Schema.Class<Job>("@redrive/core/Job")({
  /** The job's id; a webhook calls it `job_id`. */
  id: Schema.String,
  /** The id of the organisation that owns the job. Empty if the answer has none. */
  orgId: Schema.String,
  /** The URL of the first page. */
  url: Schema.String,
  /** How far the job has come. A job whose items failed, even all of them, is `done`; `error` means that the job failed to run. */
  status: Status,
  /** The main format of the pages. `markdown` if the answer does not say. */
  scrapeType: Format,
  /** The formats in which pages are returned. Empty if the answer does not say. */
  outputFormats: Schema.Array(Format),
  /** Only URLs that match this regular expression are crawled. Empty: all of them. */
  whitelistRegexp: Schema.String,
  /** URLs that match this regular expression are not crawled. Empty: no URL is excluded. */
  blacklistRegexp: Schema.String,
  /** Whether pages on subdomains of the first page's host are crawled. */
  allowSubdomains: Schema.Boolean,
  /** The most pages to crawl. */
  itemsLimit: Schema.Int,
  /** The most links to follow from the first page. Absent: no limit. */
  maxDepth: Schema.optionalKey(Schema.Int),
  /** Whether pages that a site's robots.txt disallows are left out. */
  respectRobotsTxt: Schema.Boolean,
  /** When the job was created. Absent if the answer does not say. */
  createdAt: Schema.optionalKey(Schema.DateTimeUtc),
  /** When the job last changed. Absent if the answer does not say. */
  updatedAt: Schema.optionalKey(Schema.DateTimeUtc),
  /** When the job reached its final status. Absent before that. */
  finishedAt: Schema.optionalKey(Schema.DateTimeUtc),
  /** The URL that is called when the job ends. Empty: none. */
  webhookUrl: Schema.String,
  /** The API's text for the state of that call. Empty if the call was not made. */
  webhookStatus: Schema.String,
  /** The API's text for why that call failed. Empty if it did not fail. */
  webhookError: Schema.String,
  /** How long to wait between two polls. 5 seconds if the answer does not say. */
  recommendedPullDelay: Schema.DurationFromMillis,
  /** How many items the job has, including those that the answer leaves out. Absent if the answer does not say. */
  itemsTotal: Schema.optionalKey(Schema.Int),
  /** How many items were read, including those that the answer leaves out. Absent if the answer does not say. */
  itemsDone: Schema.optionalKey(Schema.Int),
  /** How many items failed, including those that the answer leaves out. Absent if the answer does not say. */
  itemsFailed: Schema.optionalKey(Schema.Int),
  /** The job's pages so far. Empty if the answer has `null`. */
  items: Schema.Array(Item),
  /** Why the job failed to run. Present only if the status is `error`. */
  error: Schema.optionalKey(JobError.Reason)
}) {
  /** Whether the job will not change any more. */
  get isFinished(): boolean {
    return this.status === "done" || this.status === "error" || this.status === "cancelled"
  }

  /** The failures of the job's items. */
  get failures(): ReadonlyArray<ItemError.ItemError> {
    return this.items.flatMap((item) => (item.error === undefined ? [] : [item.error]))
  }

  /** The result of the job: all items succeeded, some, none, or the job did not run to its end. */
  get outcome(): "running" | "ok" | "partial" | "all failed" | "not run" {
    if (!this.isFinished) return "running"
    if (this.status !== "done") return "not run"
    const failed = this.failures.length
    if (failed === 0) return "ok"
    return failed < this.items.length ? "partial" : "all failed"
  }
}
