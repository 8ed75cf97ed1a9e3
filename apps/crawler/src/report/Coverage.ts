/**
 * How much of a site a crawl has seen, and what it left out and why.
 */
import type * as Job from "@redrive/core/Job"
import * as Words from "../watch/views/Words.ts"
import * as LeftOuts from "./LeftOut.ts"
import type { LeftOut } from "./LeftOut.ts"
import type { Counts, Report } from "./Report.ts"

/**
 * What the first job of a crawl was asked for and has found, next to what became of all its pages. `leftOut` are links that its service did not follow, if it
 * told of them: since `--resume`, if the crawl `isResumed`.
 */
export const of = (
  job: Job.Job,
  counts: Counts,
  leftOut: LeftOut | undefined,
  isResumed = false
): Report["coverage"] => [
  ["Found", `${Words.counted(counts.found, "page")} within the scope`],
  [
    "Fetched",
    `${Words.number(counts.done + counts.failed)}: ${Words.number(counts.done)} read, ${Words.number(counts.failed)} failed`
  ],
  ["Not fetched", notFetched(counts)],
  ["Left out by the limit", byLimit(job)],
  ["Left out by robots.txt", byRobots(job)],
  ["Left out by the scope", byScope(leftOut, isResumed)],
  ...(job.maxDepth === undefined ? [] : [["Left out by the depth", byDepth(job, leftOut, isResumed)] as const]),
  ["Scope", scopeOf(job)]
]

const notFetched = ({ left }: Counts): string =>
  left === 0 ? "none of those found" : `${Words.number(left)} of those found: the crawl was stopped before their turn`

/** Links to pages of the scope that the job had no room for. */
const byLimit = ({ items, itemsLimit }: Job.Job): string => {
  if (items.length < itemsLimit) return `nothing: ${Words.number(itemsLimit)} pages were allowed`
  const known = new Set(items.map(({ url }) => url))
  const others = new Set(items.flatMap(({ links }) => links.filter((link) => !known.has(link))))
  const linked = Words.counted(others.size, "page")
  return others.size === 0
    ? `no page that is known: ${Words.number(itemsLimit)} were allowed`
    : `${linked} that the pages read link to, and what those would have led to: ${Words.number(itemsLimit)} were allowed`
}

const byRobots = ({ items, respectRobotsTxt }: Job.Job): string => {
  if (!respectRobotsTxt) return "nothing: it was not asked for"
  const refused = items.filter(({ error }) => error?.reason.detail?.startsWith("robots") === true).length
  return refused === 0 ? "nothing" : `${Words.counted(refused, "page")}, counted as failed`
}

const untold = "unknown: the service does not tell"

const byScope = (leftOut: LeftOut | undefined, isResumed: boolean): string =>
  leftOut === undefined
    ? untold
    : leftOutOf(leftOut.scope.size, "that the pages read link to: outside of the scope below", isResumed)

const byDepth = ({ items }: Job.Job, leftOut: LeftOut | undefined, isResumed: boolean): string => {
  if (leftOut === undefined) return untold
  const found = new Set(items.map(({ url }) => url))
  const left = [...leftOut.depth].filter((url) => !found.has(url)).length
  return leftOutOf(left, "that the deepest pages link to", isResumed)
}

const leftOutOf = (count: number, what: string, isResumed: boolean): string => {
  const number = `${count >= LeftOuts.most ? "at least " : ""}${Words.counted(count, "page")}`
  const told = count === 0 ? "nothing" : `${number} ${what}`
  return isResumed ? `${told}, since the crawl was resumed` : told
}

const scopeOf = (job: Job.Job): string => {
  const host = URL.canParse(job.url) ? new URL(job.url).host : job.url
  const parts = [
    `${host}${job.allowSubdomains ? " and its subdomains" : ""}, or where its start redirects to`,
    ...(job.whitelistRegexp === "" ? [] : [`only URLs that match ${job.whitelistRegexp}`]),
    ...(job.blacklistRegexp === "" ? [] : [`no URL that matches ${job.blacklistRegexp}`]),
    ...(job.maxDepth === undefined ? [] : [`${Words.counted(job.maxDepth, "link")} from the start at most`])
  ]
  return `${parts.join("; ")}.`
}
