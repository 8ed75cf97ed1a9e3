/**
 * A crawl while it runs, on stderr: one line that is redrawn on a terminal, a line for each change elsewhere.
 */
import type * as Job from "@redrive/core/Job"
import * as Duration from "effect/Duration"
import type { Plan } from "./Run.ts"

/** Where progress is written. */
export interface Stream {
  readonly isTTY?: boolean | undefined
  readonly write: (text: string) => unknown
}

export interface Progress {
  readonly onJob: (job: Job.Job) => void
  readonly onPlan: (plan: Plan, round: number) => void
  /** Writes a whole line; what is being redrawn makes room for it. */
  readonly line: (text: string) => void
  /** Takes the line that was redrawn away. */
  readonly clear: () => void
  /** The same stream for others who write to it: what is being redrawn makes room for them too. */
  readonly stream: Stream
}

const clearLine = "\r\u001B[2K"

export const make = (stream: Stream): Progress => {
  const isTTY = stream.isTTY === true
  let shown = ""
  const clear = () => {
    if (isTTY && shown !== "") stream.write(clearLine)
    shown = ""
  }
  const line = (text: string) => {
    clear()
    stream.write(`${text}\n`)
  }
  const update = (text: string) => {
    if (text === shown) return
    stream.write(isTTY ? `${clearLine}${text}` : `${text}\n`)
    shown = text
  }
  return {
    onJob: (job) => update(describe(job)),
    onPlan: ({ again, wait }, round) => {
      const pages = again.length === 1 ? "1 page" : `${again.length} pages`
      line(`round ${round}: ${pages} again in ${Duration.format(Duration.millis(Math.round(Duration.toMillis(wait))))}`)
    },
    line,
    clear,
    stream: {
      isTTY,
      write: (text) => {
        clear()
        return stream.write(text)
      }
    }
  }
}

/** A job in numbers: an item that is being fetched although it has failed before is retrying. */
const describe = ({ items, status }: Job.Job): string => {
  const count = (matches: (item: Job.Item) => boolean) => items.filter(matches).length
  const done = count((item) => item.status === "done")
  const failed = count((item) => item.status === "error")
  const retrying = count((item) => item.status === "in_progress" && item.attempts > 0)
  const fetching = count((item) => item.status === "in_progress" && item.attempts === 0)
  const waiting = count((item) => item.status === "new")
  return `${status.replace("_", " ")}: ${done} done, ${failed} failed, ${retrying} retrying, ${fetching} fetching, ${waiting} waiting`
}
