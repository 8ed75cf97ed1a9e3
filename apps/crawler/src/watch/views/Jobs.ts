/**
 * Jobs in a list, and how far each is.
 */
import type { JobLine } from "../Model.ts"
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import * as Addresses from "./Addresses.ts"
import { table } from "./Table.ts"
import { ago, codes, count, foreign, state } from "./Text.ts"
import * as Words from "./Words.ts"

const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.min(100, (100 * part) / whole)}%`

/** A bar of what is done, what failed, and what is left. */
export const progress = ({ done, failed, total }: Pick<JobLine, "done" | "failed" | "total">): Node =>
  html`<svg
    class="progress"
    role="img"
    aria-label=${`${Words.number(done)} done, ${Words.number(failed)} failed, of ${Words.counted(total, "page")}`}
  >
    <rect class="rest" width="100%" height="100%" />
    <rect class="done" width=${percent(done, total)} height="100%" />
    <rect class="failed" x=${percent(done, total)} width=${percent(failed, total)} height="100%" />
  </svg>`

export const isRunning = ({ status }: Pick<JobLine, "status">): boolean => status === "new" || status === "in_progress"

/** `4 min 12 s`, so far or from its begin to its end. */
export const lasted = ({ createdAt, finishedAt }: JobLine, now: number): string =>
  Words.duration((finishedAt ?? now) - createdAt)

export const jobTable = (jobs: ReadonlyArray<JobLine>, now: number): Node =>
  table("Jobs", jobs, ({ id }) => id, [
    { title: "Status", cell: ({ error, status }) => state(error === undefined ? status : "error") },
    {
      title: "Job",
      kind: "main",
      cell: ({ error, id, url }) =>
        html`<div>
          <a href=${Addresses.job(id)}>${foreign(url, 60)}</a>${
            error !== undefined && html`<div class="quiet">${codes(error.code)} ${foreign(error.message, 120)}</div>`
          }
        </div>`
    },
    { title: "Progress", kind: "wide", cell: progress },
    { title: "Done", kind: "number", cell: ({ done, id }) => count(done, Addresses.job(id, { status: "done" })) },
    {
      title: "Failed",
      kind: "number",
      cell: ({ failed, id }) => count(failed, Addresses.job(id, { status: "failed" }))
    },
    { title: "Of", kind: "number", cell: ({ id, total }) => count(total, Addresses.job(id)) },
    { title: "Spent", kind: "number", cell: ({ spent }) => Words.money(spent) },
    { title: "Account", cell: ({ account }) => html`<a href="/accounts">${foreign(account, 30)}</a>` },
    { title: "Begun", cell: ({ createdAt }) => ago(createdAt, now) },
    { title: "Took", kind: "number", cell: (job) => lasted(job, now) }
  ])
