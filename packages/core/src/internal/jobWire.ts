import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Job from "../Job.ts"
import * as JobError from "../JobError.ts"
import { envelope, readReason } from "./envelope.ts"
import { type Codes, itemFields, itemJson, itemOf, Status, statusOf } from "./itemWire.ts"
import { trusted } from "./trusted.ts"
import { flag, int, isoDate, list, maybe, orElse, same, snakeKeys, text } from "./jsonFields.ts"

/** A job's fields by the API's names, which are written in snake case. */
export const jobFields = snakeKeys({
  id: text,
  jobId: maybe(same(Schema.String)),
  orgId: text,
  url: text,
  status: same(Status),
  scrapeType: orElse(same(Job.Format), "markdown"),
  outputFormats: orElse(list(same(Job.Format)), []),
  whitelistRegexp: text,
  blacklistRegexp: text,
  allowSubdomains: flag,
  itemsLimit: int,
  maxDepth: maybe(same(Schema.Int)),
  respectRobotsTxt: flag,
  createdAt: isoDate,
  updatedAt: isoDate,
  finishedAt: isoDate,
  webhookUrl: text,
  webhookStatus: text,
  webhookError: text,
  recommendedPullDelayMs: orElse(same(Schema.Finite), 5000),
  errorCode: maybe(same(Schema.String)),
  errorMessage: maybe(same(Schema.String)),
  itemsTotal: maybe(same(Schema.Int)),
  itemsDone: maybe(same(Schema.Int)),
  itemsFailed: maybe(same(Schema.Int)),
  jobItems: orElse(list(itemFields), [])
})

type JobJson = typeof jobFields.schema.Type

/** Checks that a job has an id, which a webhook calls `job_id`. */
export const hasId = ({ id, jobId }: JobJson) => id !== "" || jobId !== undefined || "a job has an id"

/** Reads a job from its JSON. */
export const jobOf = (json: JobJson): Job.Job => {
  const { errorCode, errorMessage, id, jobId = "", jobItems, recommendedPullDelayMs, status, ...rest } = json
  return trusted(Job.Job, {
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
