import type { Record } from "../Format.ts"

/** What was not written of one class of failures, in one window. */
interface Count {
  readonly began: number
  written: number
  suppressed: number
  last: Record
}

/** Lets so many records of a failure's class pass in each window. Times are epoch milliseconds. */
export interface Cap {
  /** Whether a record may be written. */
  readonly pass: (record: Record, now: number) => boolean
  /** The records that say how many were suppressed, of windows that have ended by then. */
  readonly summaries: (now: number) => ReadonlyArray<Record>
  /** The same of windows that are known to have ended, without a look at the others. */
  readonly ended: () => ReadonlyArray<Record>
  /** Whether anything was suppressed that no record has said. */
  readonly owes: () => boolean
}

/** No more classes are told apart; those whose window began first are forgotten first. */
const mostKnown = 1000

const nothing: ReadonlyArray<Record> = []

export const make = (most: number, window: number): Cap => {
  const counts = new Map<string, Count>()
  let told: ReadonlyArray<Record> = nothing
  // Classes of which something was suppressed and not said.
  let owing = 0

  const end = (key: string, { last, suppressed }: Count) => {
    counts.delete(key)
    if (suppressed === 0) return
    owing--
    told = [...told, summary(last, suppressed, window)]
  }

  const ended = () => {
    const all = told
    told = nothing
    return all
  }

  return {
    pass: (record, now) => {
      const [report] = record.reports
      if (report === undefined) return true
      const key = report.fingerprint
      const known = counts.get(key)
      if (known !== undefined && now < known.began + window) {
        if (known.written < most) {
          known.written++
          return true
        }
        if (known.suppressed++ === 0) owing++
        known.last = record
        return false
      }
      if (known !== undefined) end(key, known)
      for (const [oldest, count] of counts.size >= mostKnown ? counts : []) {
        end(oldest, count)
        break
      }
      counts.set(key, { began: now, written: 1, suppressed: 0, last: record })
      return true
    },
    summaries: (now) => {
      for (const [key, count] of counts) if (now >= count.began + window) end(key, count)
      return ended()
    },
    ended,
    owes: () => told.length > 0 || owing > 0
  }
}

/** A record in the place of many: about their class, at the level of the last. */
const summary = ({ date, level, reports }: Record, suppressed: number, window: number): Record => ({
  date,
  level,
  message: `${suppressed} more in ${window / 1000} s like: ${reports[0]?.message ?? ""}`,
  annotations: {},
  fields: { suppressed },
  reports: reports.slice(0, 1)
})
