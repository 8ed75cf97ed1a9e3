import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Job from "../Job.ts"
import * as JobError from "../JobError.ts"
import { envelope, readReason } from "./envelope.ts"
import { type Codes, ItemJson, itemJson, itemOf, Status, statusOf } from "./itemWire.ts"
import { flag, int, maybe, isoDate, orElse, snakeKeys, text } from "./jsonFields.ts"

/** A job's fields by the API's names, which are written in snake case. */
export const JobJson = snakeKeys({
  id: text,
  jobId: maybe(Schema.String),
  orgId: text,
  url: text,
  status: Status,
  scrapeType: orElse(Job.Format, "markdown"),
  outputFormats: orElse(Schema.Array(Job.Format), []),
  whitelistRegexp: text,
  blacklistRegexp: text,
  allowSubdomains: flag,
  itemsLimit: int,
  maxDepth: maybe(Schema.Int),
  respectRobotsTxt: flag,
  createdAt: isoDate,
  updatedAt: isoDate,
  finishedAt: isoDate,
  webhookUrl: text,
  webhookStatus: text,
  webhookError: text,
  recommendedPullDelayMs: orElse(Schema.Finite, 5000),
  errorCode: maybe(Schema.String),
  errorMessage: maybe(Schema.String),
  itemsTotal: maybe(Schema.Int),
  itemsDone: maybe(Schema.Int),
  itemsFailed: maybe(Schema.Int),
  jobItems: orElse(Schema.Array(ItemJson), [])
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
