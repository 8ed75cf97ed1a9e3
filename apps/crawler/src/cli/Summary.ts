/**
 * What a crawl came to, as a person reads it: outcomes by code, what retrying cost and saved, what remains and who must act.
 */
import * as Verdict from "@redrive/core/Verdict"
import type { Remaining, Run } from "./Run.ts"
import * as Table from "./Table.ts"
import * as Tally from "./Tally.ts"

/** Failed pages that are listed; a file has them all. */
const mostListed = 30

/** Longer URLs are cut, so that one does not fill the screen. */
const longestUrl = 120

/** The summary's lines. */
export const lines = (run: Run): ReadonlyArray<string> => {
  const tally = Tally.of(run)
  const [{ id, status }] = run.jobs
  return [
    `job ${id}: ${status}, ${counted(tally.pages, "page")}`,
    "",
    ...outcomes(tally, run.isCut && status !== "cancelled" ? "waiting" : "cancelled"),
    "",
    `retries spent: ${tally.retries}; saved by retrying: ${counted(tally.savedByRetry, "page")};`,
    `saved by redrive: ${counted(tally.savedByRedrive, "page")} in ${counted(run.rounds, "round")}`,
    ...remaining(run.remaining)
  ]
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

/** `left` is what is said of pages that were not fetched. */
const outcomes = (tally: Tally.Tally, left: string): ReadonlyArray<string> =>
  Table.lines(
    ["LEVEL", "OUTCOME", "DETAIL", "PAGES", "VERDICT", "WHO ACTS"],
    [
      ["item", "ok", "", tally.done, "", ""],
      ...(tally.cancelled > 0 ? [["item", left, "", tally.cancelled, "", ""]] : []),
      ...tally.rows.map(({ actor, code, detail, level, pages, verdict }) => [
        level,
        code,
        detail,
        level === "job" && pages === 0 ? "-" : pages,
        verdict,
        actor
      ])
    ]
  )

const remaining = (failed: ReadonlyArray<Remaining>): ReadonlyArray<string> => {
  if (failed.length === 0) return ["nothing remains failed"]
  const more = failed.length - mostListed
  return [
    "",
    "remains failed:",
    ...Table.lines(
      ["PAGE", "WHY", "WHO ACTS", "GAVE UP BECAUSE"],
      failed
        .slice(0, mostListed)
        .map(({ because, error, item }) => [
          `  ${Table.cut(item.url, longestUrl)}`,
          `${error.code} ${error.reason.detail ?? ""}`.trim(),
          error.reason.row.actor,
          because === "parked" ? Verdict.format(error.verdict) : because
        ])
    ),
    ...(more > 0 ? [`  … and ${counted(more, "page")} more; --json FILE and --output DIR list all of them`] : [])
  ]
}
