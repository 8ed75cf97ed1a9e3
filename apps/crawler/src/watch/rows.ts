/**
 * Rows of jobs and pages as the views show them.
 */
import type * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Attempt } from "../page/Story.ts"
import { pagePrice } from "../service/Accounts.ts"
import { orderOf } from "../service/Database.ts"
import { type JobRow, readReason, readRequest } from "../service/rows.ts"
import { readStory } from "../service/Stories.ts"
import type { Filter, Status } from "./Filter.ts"
import type { ItemLine, JobLine } from "./Model.ts"

/** Databases give whole numbers of any size as numbers or as texts. */
export type Whole = number | string

export const requestOf = ({ request }: Pick<JobRow, "request">): CrawlApi.CrawlRequest => readRequest(request)

const errorOf = (jobId: string, json: string) => {
  const { code, lastError } = new JobError.JobError({ operation: "run", jobId, reason: readReason(json) })
  return { code, message: lastError }
}

export const jobOf = (row: JobRow): JobLine => ({
  id: row.id,
  account: row.account_id,
  url: requestOf(row).url,
  status: row.status,
  ...(row.error !== null && { error: errorOf(row.id, row.error) }),
  createdAt: Date.parse(row.created_at),
  ...(row.finished_at !== null && { finishedAt: Date.parse(row.finished_at) }),
  total: row.total,
  done: row.done,
  failed: row.failed,
  spent: row.done * pagePrice,
  ...(row.again_of !== null && { againOf: row.again_of })
})

/** What a list reads of a page: none of its texts. */
export interface ItemRow {
  readonly id: string
  readonly job_id: string
  readonly url: string
  readonly host: string
  readonly depth: number
  readonly status: string
  readonly page_status: number
  readonly title: string
  readonly attempts: number
  readonly cost: number
  readonly updated_at: string
  readonly code: string
  readonly detail: string
  readonly actor: string
  readonly because: string
  readonly answer: string
  readonly next_at: Whole | null
  readonly story: string
  readonly place: Whole
}

/** What a list reads of a page. */
export const columns = (sql: SqlClient.SqlClient) => {
  const names = `id job_id url host depth status page_status title attempts cost updated_at code detail actor because answer next_at story`
  return sql`${sql.literal(names.split(" ").join(", "))}, ${orderOf(sql, "items")} AS place`
}

/** Whether a text is in a page's URL, title or failure, whatever the case of its letters. */
export const hasText = ({ text = "" }: Filter): ((row: ItemRow) => boolean) => {
  const wanted = text.toLowerCase()
  if (wanted === "") return () => true
  return ({ answer, title, url }) => [url, title, answer].some((field) => field.toLowerCase().includes(wanted))
}

const statusOf = (status: string, nextAt: number, now: number): Status => {
  if (status === "new") return "queued"
  if (status === "in_progress") return nextAt > now ? "waiting" : "running"
  if (status === "error") return "failed"
  return status === "done" ? "done" : "cancelled"
}

const storyOf = (json: string): ReadonlyArray<Attempt> => (json === "" ? [] : readStory(json))

export const itemOf = (row: ItemRow, now: number): ItemLine => {
  const nextAt = Number(row.next_at ?? 0)
  const status = statusOf(row.status, nextAt, now)
  return {
    id: row.id,
    jobId: row.job_id,
    url: row.url,
    host: row.host,
    depth: row.depth,
    status,
    pageStatus: row.page_status,
    title: row.title,
    attempts: row.attempts,
    cost: row.cost,
    updatedAt: Date.parse(row.updated_at),
    ...(row.code !== "" && {
      failure: {
        code: row.code,
        detail: row.detail,
        message: row.answer === "" ? "" : String(JSON.parse(row.answer).last_error),
        actor: row.actor,
        because: row.because
      }
    }),
    ...(status === "waiting" && { nextAt }),
    story: storyOf(row.story)
  }
}
