import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Job from "../Job.ts"
import * as JobError from "../JobError.ts"
import { envelope, readReason } from "./envelope.ts"
import { type Codes, ItemJson, itemJson, itemOf, Status, statusOf } from "./itemWire.ts"
import { described, flag, int, maybe, isoDate, orElse, snakeKeys, text } from "./jsonFields.ts"

/** A job's fields by the API's names, which are written in snake case. */
export const JobJson = snakeKeys({
  id: described(text, "The id of the job."),
  jobId: described(maybe(Schema.String), "The id of the job, as some webhooks call it."),
  orgId: described(text, "The account that the job belongs to."),
  url: described(text, "The page that the crawl starts at."),
  status: Status.annotate({
    description:
      "How far the job has come. A job whose items failed, even all of them, is done; error means that the job failed to run."
  }),
  scrapeType: described(orElse(Job.Format, "markdown"), "The main format of the pages' content."),
  outputFormats: described(orElse(Schema.Array(Job.Format), []), "Further formats of the pages' content."),
  whitelistRegexp: described(text, "Only links that match this regular expression are followed; empty for all."),
  blacklistRegexp: described(text, "No link that matches this regular expression is followed; empty for none."),
  allowSubdomains: described(flag, "Whether links to subdomains of the start's host are followed."),
  itemsLimit: described(int, "The most pages to crawl."),
  maxDepth: described(maybe(Schema.Int), "The most links between the start and a page; absent for no limit."),
  respectRobotsTxt: described(flag, "Whether pages that the site's robots.txt forbids are left out."),
  createdAt: described(isoDate, "When the job was created, in ISO 8601."),
  updatedAt: described(isoDate, "When the job last changed, in ISO 8601."),
  finishedAt: described(isoDate, "When the job ended, in ISO 8601; null before that."),
  webhookUrl: described(text, "Where the job is posted when it has ended; empty for nowhere."),
  webhookStatus: described(text, "What became of that delivery: pending, delivered or failed; empty if there is none."),
  webhookError: described(text, "Why the last attempt at that delivery failed; empty if it did not."),
  recommendedPullDelayMs: described(
    orElse(Schema.Finite, 5000),
    "How long to wait before asking again, in milliseconds."
  ),
  errorCode: described(maybe(Schema.String), "Why the job failed to run; only if its status is error."),
  errorMessage: described(maybe(Schema.String), "The same in words, for people."),
  itemsTotal: described(maybe(Schema.Int), "How many items the job has, including those that this answer leaves out."),
  itemsDone: described(maybe(Schema.Int), "How many of them were read."),
  itemsFailed: described(maybe(Schema.Int), "How many of them failed."),
  jobItems: described(
    orElse(Schema.Array(ItemJson), []),
    "The pages of the job, in the order in which they were found."
  )
})

type JobJson = typeof JobJson.Type

/** Checks that a job has an id, which a webhook calls `job_id`. */
export const hasId = ({ id, jobId }: JobJson) => id !== "" || jobId !== undefined || "a job has an id"

/** Reads a job from its JSON. */
export const jobOf = (json: JobJson): Job.Job => {
  const { errorCode, errorMessage, id, jobId = "", jobItems, recommendedPullDelayMs, status, ...rest } = json
  return new Job.Job({
    ...rest,
    id: id || jobId,
    status: statusOf(status),
    recommendedPullDelay: Duration.millis(recommendedPullDelayMs),
    items: jobItems.map(itemOf),
    ...(status === "error" ? { error: errorOf(errorCode, errorMessage) } : {})
  })
}

const errorOf = (code: string | undefined, message: string | undefined): JobError.Reason =>
  code === undefined
    ? new JobError.InternalError({})
    : readReason({ status: 200, body: { error_code: code, error_message: message } })

/** Writes a job as JSON. */
export const jobJson = ({ error, items, recommendedPullDelay, ...rest }: Job.Job, codes: Codes): JobJson => ({
  ...rest,
  recommendedPullDelayMs: Duration.toMillis(recommendedPullDelay),
  jobItems: items.map((item) => itemJson(item, codes)),
  ...(error === undefined ? {} : { errorCode: envelope(error).error_code, errorMessage: envelope(error).error_message })
})
