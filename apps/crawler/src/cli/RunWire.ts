/**
 * A crawl as JSON for programs: the API's own job bodies, and what the summary tells.
 */
import type * as Job from "@redrive/core/Job"
import * as Verdict from "@redrive/core/Verdict"
import * as Wire from "@redrive/core/Wire"
import * as Schema from "effect/Schema"
import type { Run } from "./Run.ts"
import * as Tally from "./Tally.ts"

const encodeJob: (job: Job.Job) => unknown = Schema.encodeSync(Schema.toCodecJson(Wire.JobBody))

/** The JSON value of a crawl. `jobs` has the first job first, then the jobs of further rounds. */
export const json = (run: Run) => {
  const { cancelled, done, failed, pages, retries, rows, savedByRedrive, savedByRetry } = Tally.of(run)
  return {
    job_id: run.jobs[0].id,
    status: run.jobs[0].status,
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
    })),
    jobs: run.jobs.map(encodeJob)
  }
}
