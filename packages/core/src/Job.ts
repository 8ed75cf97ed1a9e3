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
  id: Schema.String,
  jobId: Schema.String,
  url: Schema.String,
  referredUrl: Schema.String,
  depth: Schema.Int,
  status: Status,
  pageStatus: Schema.Int,
  title: Schema.String,
  cost: Schema.Finite,
  attempts: Schema.Int,
  links: Schema.Array(Schema.String),
  rawContentUrl: Schema.String,
  cleanedContentUrl: Schema.String,
  markdownContentUrl: Schema.String,
  createdAt: Schema.optionalKey(Schema.DateTimeUtc),
  updatedAt: Schema.optionalKey(Schema.DateTimeUtc),
  error: Schema.optionalKey(ItemError.ItemError)
}) {}

/**
 * A crawl job with its items: the settings of its request, and its results.
 *
 * @category models
 * @since 0.1.0
 */
export class Job extends Schema.Class<Job>("@redrive/core/Job")({
  id: Schema.String,
  orgId: Schema.String,
  url: Schema.String,
  status: Status,
  scrapeType: Format,
  outputFormats: Schema.Array(Format),
  whitelistRegexp: Schema.String,
  blacklistRegexp: Schema.String,
  allowSubdomains: Schema.Boolean,
  itemsLimit: Schema.Int,
  maxDepth: Schema.optionalKey(Schema.Int),
  respectRobotsTxt: Schema.Boolean,
  createdAt: Schema.optionalKey(Schema.DateTimeUtc),
  updatedAt: Schema.optionalKey(Schema.DateTimeUtc),
  finishedAt: Schema.optionalKey(Schema.DateTimeUtc),
  webhookUrl: Schema.String,
  webhookStatus: Schema.String,
  webhookError: Schema.String,
  recommendedPullDelay: Schema.DurationFromMillis,
  items: Schema.Array(Item),
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
