/**
 * A crawl as its report tells it: each page once, however many jobs had it, with every attempt at it.
 */
import type * as Job from "@redrive/core/Job"
import * as DateTime from "effect/DateTime"
import type { Failure, Run } from "../cli/Run.ts"
import * as Tally from "../cli/Tally.ts"
import type { Status } from "../watch/Filter.ts"
import type { Group, ItemLine, JobLine } from "../watch/Model.ts"
import type { Story } from "../page/Story.ts"
import { actors } from "../watch/views/Actors.ts"
import * as Coverage from "./Coverage.ts"
import type { LeftOut } from "./LeftOut.ts"
import type { Host, Report, Told } from "./Report.ts"

/** The stories of pages, by their ids; absent where nobody tells them. */
export type Stories = ReadonlyMap<string, Story> | undefined

/** How long a text of strangers is at most. */
const longest = { url: 2000, title: 300, message: 1000, host: 260, name: 100 }

/** The most attempts of a story that are told: its begin and its end. */
const attempts = { first: 10, last: 30 }

export const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 100)}…${text.slice(-99)}`

/** What is known besides the jobs; `leftOut` and `isResumed` of a crawl with a service of its own. */
interface Facts extends Pick<Report, "now" | "program" | "command" | "policy" | "stopped"> {
  readonly leftOut?: LeftOut
  readonly isResumed?: boolean
}

/** The report of a crawl that has a job. */
export const of = (run: Run, stories: Stories, { isResumed, leftOut, ...facts }: Facts): Report => {
  const pages = pagesOf(run, stories)
  const { cancelled, done, failed, pages: found, retries, savedByRedrive, savedByRetry } = Tally.of(run)
  const counts = { found, done, failed, left: cancelled, retries, savedByRetry, savedByRedrive, rounds: run.rounds }
  const ofStatus = (status: Status) => pages.filter((page) => page.status === status)
  return {
    ...facts,
    job: jobOf(run, counts, facts.now),
    isCut: run.jobs[0].url.length > longest.url,
    counts,
    coverage: Coverage.of(run.jobs[0], counts, leftOut, isResumed),
    groups: groupsOf(ofStatus("failed")),
    hosts: hostsOf(pages),
    failed: ofStatus("failed").toSorted(byWhoActs),
    open: pages.filter(({ status, story }) => status !== "failed" && status !== "done" && story.length > 0),
    done: ofStatus("done"),
    hasStories: stories !== undefined
  }
}

/** The report of a crawl that got no job. */
export const ofNothing = (url: string, { isResumed: _, leftOut: __, ...facts }: Facts): Report => ({
  ...facts,
  isCut: url.length > longest.url,
  job: {
    id: "",
    account: "",
    url: clip(url, longest.url),
    status: "error",
    createdAt: facts.now,
    finishedAt: facts.now,
    total: 0,
    done: 0,
    failed: 0,
    spent: 0
  },
  counts: { found: 0, done: 0, failed: 0, left: 0, retries: 0, savedByRetry: 0, savedByRedrive: 0, rounds: 0 },
  coverage: [["Found", "nothing: no job was created"]],
  groups: [],
  hosts: [],
  failed: [],
  open: [],
  done: [],
  hasStories: true
})

const millis = (time: DateTime.Utc | undefined, otherwise: number): number =>
  time === undefined ? otherwise : DateTime.toEpochMillis(time)

const jobOf = ({ error, jobs }: Run, counts: Report["counts"], now: number): JobLine => {
  const [{ createdAt, finishedAt, id, orgId, status, url }] = jobs
  const last = jobs.reduce((latest, job) => Math.max(latest, millis(job.finishedAt, latest)), millis(finishedAt, 0))
  return {
    id: clip(id, longest.name),
    account: clip(orgId, longest.name),
    url: clip(url, longest.url),
    status,
    ...(error !== undefined && {
      error: { code: clip(error.code, longest.name), message: clip(error.lastError, longest.message) }
    }),
    createdAt: millis(createdAt, now),
    finishedAt: last === 0 ? now : last,
    total: counts.found,
    done: counts.done,
    failed: counts.failed,
    spent: jobs.flatMap(({ items }) => items).reduce((sum, { cost }) => sum + Math.round(cost * 1_000_000), 0)
  }
}

/** Every page of all jobs, by its URL, in the order in which they were found. */
const pagesOf = (run: Run, stories: Stories): ReadonlyArray<Told> => {
  const byUrl = Map.groupBy(
    run.jobs.flatMap(({ items }) => items),
    ({ url }) => url
  )
  const remaining = new Map(run.remaining.map((one) => [one.item.url, one]))
  return [...byUrl.values()].map((items) => toldOf(items, remaining.get(items[0]?.url ?? ""), stories))
}

const toldOf = (
  items: ReadonlyArray<Job.Item>,
  remaining: Run["remaining"][number] | undefined,
  stories: Stories
): Told => {
  const item = items.find(({ status }) => status === "done") ?? items.at(-1)!
  const status = item.status === "done" ? "done" : remaining === undefined ? left[item.status] : "failed"
  const story = storyOf(items, stories)
  const isLong = story.length > attempts.first + attempts.last
  return {
    id: clip(item.id, longest.name),
    jobId: clip(item.jobId, longest.name),
    url: clip(item.url, longest.url),
    isCut: item.url.length > longest.url,
    host: URL.canParse(item.url) ? clip(new URL(item.url).host, longest.host) : "",
    depth: item.depth,
    status,
    pageStatus: item.pageStatus,
    title: clip(item.title, longest.title),
    attempts: items.reduce((sum, one) => sum + one.attempts, 0),
    cost: Math.round(item.cost * 1_000_000),
    updatedAt: millis(item.updatedAt, 0),
    ...(status === "failed" && remaining !== undefined && { failure: failureOf(remaining.error, remaining.because) }),
    story: isLong ? [...story.slice(0, attempts.first), ...story.slice(-attempts.last)] : story,
    leftOut: isLong ? story.length - attempts.first - attempts.last : 0
  }
}

/** What an item is that was neither read nor given up. */
const left = {
  new: "queued",
  in_progress: "running",
  cancelled: "cancelled",
  error: "cancelled",
  done: "done"
} as const satisfies { readonly [status in Job.Status]: Status }

const failureOf = (error: Failure, because: string): NonNullable<ItemLine["failure"]> => ({
  code: clip(error.code, longest.name),
  detail: clip(error.reason.detail ?? "", longest.name),
  message: clip(error.lastError, longest.message),
  actor: error.reason.row.actor,
  because: clip(because, longest.name)
})

/** The attempts of all jobs. A further round that read a page at once has no story of its own: its job had this page alone. */
const storyOf = (items: ReadonlyArray<Job.Item>, stories: Stories): Story =>
  items.flatMap((item, index) => {
    const own = stories?.get(item.id) ?? []
    const wasReadAtOnce = stories !== undefined && index > 0 && own.length === 0 && item.status === "done"
    const [at, end] = [millis(item.createdAt, 0), millis(item.updatedAt, 0)]
    return wasReadAtOnce && at > 0 && end >= at ? [{ at, ms: end - at, end: "ok" as const }] : own
  })

/** Those first whom the page asks first, and beside each other what is alike. */
const byWhoActs = (one: ItemLine, other: ItemLine): number =>
  place(one) - place(other) || compare(keyOf(one), keyOf(other))

const place = ({ failure }: ItemLine): number => {
  const at = actors.findIndex((actor) => actor === failure?.actor)
  return at < 0 ? actors.length : at
}

const keyOf = ({ failure, host, url }: ItemLine): string => [failure?.code, failure?.detail, host, url].join("\n")

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

/** Failed pages that are alike, the most first. */
export const groupsOf = (items: ReadonlyArray<ItemLine>): ReadonlyArray<Group> => {
  const groups = new Map<string, Group>()
  for (const { failure, host, pageStatus: status } of items) {
    if (failure === undefined) continue
    const { actor, because, code, detail } = failure
    const key = [host, code, detail, status, actor, because].join("\n")
    const count = (groups.get(key)?.count ?? 0) + 1
    groups.set(key, { host, code, detail, status, actor, because, count })
  }
  return [...groups.values()].toSorted((one, other) => other.count - one.count)
}

/** Hosts, those with the most failures first. */
export const hostsOf = (items: ReadonlyArray<ItemLine>): ReadonlyArray<Host> => {
  const hosts = new Map<string, { -readonly [K in keyof Host]: Host[K] }>()
  for (const { host, status } of items) {
    const sums = hosts.get(host) ?? { host, done: 0, failed: 0, left: 0 }
    hosts.set(host, sums)
    sums[status === "done" || status === "failed" ? status : "left"]++
  }
  return [...hosts.values()].toSorted((one, other) => other.failed - one.failed || other.done - one.done)
}
