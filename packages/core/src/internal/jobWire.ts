import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Job from "../Job.ts"
import * as JobError from "../JobError.ts"
import { envelope, reasonOf } from "./envelope.ts"
import { type Codes, ItemJson, itemJson, itemOf, Status, statusOf } from "./itemWire.ts"
import { flag, int, maybe, moment, orElse, text } from "./lenient.ts"

export const JobJson = Schema.Struct({
  id: text,
  job_id: maybe(Schema.String),
  org_id: text,
  url: text,
  status: Status,
  scrape_type: orElse(Job.Format, "markdown"),
  output_formats: orElse(Schema.Array(Job.Format), []),
  whitelist_regexp: text,
  blacklist_regexp: text,
  allow_subdomains: flag,
  items_limit: int,
  max_depth: maybe(Schema.Int),
  respect_robots_txt: flag,
  created_at: moment,
  updated_at: moment,
  finished_at: moment,
  webhook_url: text,
  webhook_status: text,
  webhook_error: text,
  recommended_pull_delay_ms: orElse(Schema.Finite, 5000),
  error_code: maybe(Schema.String),
  error_message: maybe(Schema.String),
  job_items: orElse(Schema.Array(ItemJson), [])
}).check(Schema.makeFilter(({ id, job_id }) => id !== "" || job_id !== undefined || "a job has an id"))

type JobJson = typeof JobJson.Type

/** The job that a JSON job means. Webhooks call its id `job_id`. */
export const jobOf = (json: JobJson): Job.Job => {
  const error = json.status === "error" ? errorOf(json) : undefined
  return new Job.Job({
    id: json.id || (json.job_id ?? ""),
    orgId: json.org_id,
    url: json.url,
    status: statusOf(json.status),
    scrapeType: json.scrape_type,
    outputFormats: json.output_formats,
    whitelistRegexp: json.whitelist_regexp,
    blacklistRegexp: json.blacklist_regexp,
    allowSubdomains: json.allow_subdomains,
    itemsLimit: json.items_limit,
    respectRobotsTxt: json.respect_robots_txt,
    webhookUrl: json.webhook_url,
    webhookStatus: json.webhook_status,
    webhookError: json.webhook_error,
    recommendedPullDelay: Duration.millis(json.recommended_pull_delay_ms),
    items: json.job_items.map(itemOf),
    ...(json.max_depth === undefined ? {} : { maxDepth: json.max_depth }),
    ...(json.created_at === undefined ? {} : { createdAt: json.created_at }),
    ...(json.updated_at === undefined ? {} : { updatedAt: json.updated_at }),
    ...(json.finished_at === undefined ? {} : { finishedAt: json.finished_at }),
    ...(error === undefined ? {} : { error })
  })
}

const errorOf = (json: JobJson): JobError.Reason =>
  json.error_code === undefined ? new JobError.InternalError({}) : reasonOf({ status: 200, body: json })

/** The JSON of a job. */
export const jobJson = (job: Job.Job, codes: Codes): JobJson => ({
  id: job.id,
  org_id: job.orgId,
  url: job.url,
  status: job.status,
  scrape_type: job.scrapeType,
  output_formats: job.outputFormats,
  whitelist_regexp: job.whitelistRegexp,
  blacklist_regexp: job.blacklistRegexp,
  allow_subdomains: job.allowSubdomains,
  items_limit: job.itemsLimit,
  respect_robots_txt: job.respectRobotsTxt,
  webhook_url: job.webhookUrl,
  webhook_status: job.webhookStatus,
  webhook_error: job.webhookError,
  recommended_pull_delay_ms: Duration.toMillis(job.recommendedPullDelay),
  job_items: job.items.map((item) => itemJson(item, codes)),
  ...(job.maxDepth === undefined ? {} : { max_depth: job.maxDepth }),
  ...(job.createdAt === undefined ? {} : { created_at: job.createdAt }),
  ...(job.updatedAt === undefined ? {} : { updated_at: job.updatedAt }),
  ...(job.finishedAt === undefined ? {} : { finished_at: job.finishedAt }),
  ...(job.error === undefined ? {} : envelope(job.error))
})
