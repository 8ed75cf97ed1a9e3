/**
 * Which pages a report tells one by one, so that it stays below a size. The others are counted by host and by what they failed of.
 */
import { renderToString } from "preact-render-to-string"
import type { Group } from "../watch/Model.ts"
import type { Node } from "../html.ts"
import type { Host, Report, Told } from "./Report.ts"
import * as Tell from "./Tell.ts"
import { pageRows, story } from "./views/Pages.ts"
import { drawing } from "../watch/views/TimeLine.ts"

/** Rows of a table that counts. */
export const mostRows = 100

/** Pages on the common time axis. */
const mostDrawn = 60

/** How much of the file the time axis may take. */
const drawnBytes = 300_000

/** A report with the pages that are told, and what became of the others. */
export interface Fitted extends Report {
  readonly told: {
    readonly failed: ReadonlyArray<Told>
    readonly open: ReadonlyArray<Told>
    readonly done: ReadonlyArray<Told>
  }
  /** Of those that are told: pages on the common time axis. */
  readonly drawn: ReadonlyArray<Told>
  readonly rest: {
    readonly failed: number
    readonly open: number
    readonly done: number
    readonly groups: ReadonlyArray<Group>
    readonly hosts: ReadonlyArray<Host>
  }
}

export const bytesOf = (text: string): number => Buffer.byteLength(text)

const sizeOf = (node: Node): number => bytesOf(renderToString(node))

/** As many of the first ones as fit, and the room that is left for what comes after them: none, unless all fit. */
const fill = <A>(all: ReadonlyArray<A>, room: number, size: (one: A) => number) => {
  let used = 0
  let count = 0
  for (const one of all) {
    const next = used + size(one)
    if (next > room) break
    used = next
    count++
  }
  return { some: all.slice(0, count), left: count === all.length ? room - used : 0 }
}

/** Fills `room` bytes: failures first, then what was under way, then what was read. */
export const fit = (report: Report, room: number): Fitted => {
  const { now } = report
  const space = Math.max(0, room - Math.min(drawnBytes, room / 5))
  const failed = fill(report.failed, space, (page) => sizeOf(story(page, now)))
  const open = fill(report.open, failed.left, (page) => sizeOf(story(page, now)))
  const head = sizeOf(pageRows([], now))
  const done = fill(report.done, open.left, (page) => sizeOf(pageRows([page], now)) - head)
  const told = { failed: failed.some, open: open.some, done: done.some }
  const withStories = [...told.failed, ...told.open, ...told.done].filter(({ story }) => story.length > 0)
  // Pages that were tried again first: their waits are what the axis is for.
  const candidates = withStories.toSorted((one, other) => Number(other.story.length > 1) - Number(one.story.length > 1))
  const drawn = fill(candidates.slice(0, mostDrawn), room - space, (page) => sizeOf(drawing([page], now) as Node))
  return { ...report, told, drawn: drawn.some, rest: restOf(report, told) }
}

const restOf = (report: Report, told: Fitted["told"]): Fitted["rest"] => {
  const failed = report.failed.slice(told.failed.length)
  const done = report.done.slice(told.done.length)
  return {
    failed: failed.length,
    open: report.open.length - told.open.length,
    done: done.length,
    groups: Tell.groupsOf(failed),
    hosts: Tell.hostsOf(done)
  }
}
