// docs/errors.md: what the crawl API's catalogue says.
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const core = (module: string) => import(pathToFileURL(join(import.meta.dirname, "../packages/core/src", module)).href)
const { catalogue }: typeof import("../packages/core/src/CrawlCatalogue.ts") = await core("CrawlCatalogue.ts")
const CatalogueDocs: typeof import("../packages/core/src/CatalogueDocs.ts") = await core("CatalogueDocs.ts")
const { meanings }: typeof import("../packages/core/src/CrawlMeanings.ts") = await core("CrawlMeanings.ts")
const Wire: typeof import("../packages/core/src/Wire.ts") = await core("Wire.ts")
const { ItemError }: typeof import("../packages/core/src/ItemError.ts") = await core("ItemError.ts")
const { JobError }: typeof import("../packages/core/src/JobError.ts") = await core("JobError.ts")

const url = "https://example.com/"
const statuses: { readonly [code: string]: number } = { host_returned_error: 404, website_access_denied: 403 }

/** The JSON that the API writes: the envelope for a job's code, and the job's part about it for an item's. */
const example = (level: "job" | "item", code: string): unknown => {
  if (level === "job") return Wire.envelope(JobError.reasonOf(code, { field: "whitelist_regexp" }))
  const status = statuses[code] ?? 0
  const { lastError } = new ItemError({ url, reason: ItemError.reasonOf(code, { status }) })
  const item = { original_url: url, page_status_code: status, status: "error", error_code: code, last_error: lastError }
  return { status: "done", job_items: [item] }
}

export const errors = CatalogueDocs.markdown(catalogue, {
  meanings,
  preface: [
    "<!-- Written by `pnpm generate` from packages/core/src/CrawlCatalogue.ts: change that. -->",
    "",
    "A crawl fails on two levels. A **job** that did not run answers with an error of its own. A job that ran is `done` although pages of",
    "it failed: each of those **items** says so itself. The code tells what happened; where more is known, `reason` refines it, and says",
    "more exactly whether trying again may help and who has to act.",
    "",
    "- **Retry** tells the pace: *quick* for a hiccup, *steady* for a server in trouble, *slow* for what takes minutes. *wait* heeds",
    "  `Retry-After`. *parked* means that nothing helps until somebody has done it. *give up* means that it fails the same way every time.",
    "- **Request** tells what became of it: *unsent*, *refused* without an effect, or *sent*, so that a creation may have happened.",
    "  *unknown* counts as sent.",
    "- **Severity** is the level of the log line, and what alerts are chosen by.",
    "- **Extended code** takes the place of the code where a server was opened for codes beyond the closed set; readers take it for the",
    "  code of its section."
  ].join("\n"),
  levels: {
    job: "The job failed to run: there is not enough balance, say, or the request is invalid. The answer has the HTTP status given here.",
    item: "A page failed. The job's answer has status 200, and the page is in `job_items` with status `error`."
  },
  example
})
