/**
 * A crawl as JSON for programs: the API's own job bodies, and what the summary tells.
 */
import * as Job from "@redrive/core/Job"
import * as Verdict from "@redrive/core/Verdict"
import * as Wire from "@redrive/core/Wire"
import * as Schema from "effect/Schema"
import type { Run } from "./Run.ts"
import * as Tally from "./Tally.ts"

const encodeJob: (job: Job.Job) => unknown = Schema.encodeSync(Schema.toCodecJson(Wire.JobBody))

/** What became of a crawl. */
export const outcome = (run: Run) => {
  const { cancelled, done, failed, pages, retries, rows, savedByRedrive, savedByRetry } = Tally.of(run)
  return {
    url: run.jobs[0].url,
    job_id: run.jobs[0].id,
    status: run.jobs[0].status,
    interrupted: run.isCut,
    error_code: run.error?.code ?? null,
    error_message: run.error?.lastError ?? null,
    summary: {
      pages,
      done,
      failed,
      cancelled,
      retries,
      saved_by_retry: savedByRetry,
      saved_by_redrive: savedByRedrive,
      rounds: run.rounds
    },
    outcomes: rows,
    saved: run.saved.map(({ item, round, value }) => ({ url: item.url, round, job_id: value.id })),
    remaining: run.remaining.map(({ because, error, item }) => ({
      url: item.url,
      item_id: item.id,
      code: error.code,
      detail: error.reason.detail ?? null,
      message: error.lastError,
      verdict: Verdict.format(error.verdict),
      actor: error.reason.row.actor,
      because
    }))
  }
}

/**
 * The jobs of a crawl: the first one first, then those of further rounds. `isServed` says whether the addresses of texts in them are still
 * served; the service of the crawl itself ends with it.
 */
export const jobs = (run: Run, isServed: boolean): ReadonlyArray<unknown> =>
  run.jobs.map((job) => encodeJob(isServed ? job : withoutAddresses(job)))

const withoutAddresses = (job: Job.Job): Job.Job => {
  const none = { rawContentUrl: "", cleanedContentUrl: "", markdownContentUrl: "" }
  const items = job.items.map((item) => new Job.Item(Object.assign({}, item, none)))
  return new Job.Job(Object.assign({}, job, { items }))
}

/** What a page is known by. */
export const pageOf = ({ depth, pageStatus, title, url }: Job.Item) => ({ url, title, status: pageStatus, depth })
