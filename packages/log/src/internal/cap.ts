import type { Record } from "../Format.ts"
import type { Subject } from "./emit.ts"

/** The records of one class that were suppressed in one window. */
interface Count {
  readonly began: number
  written: number
  suppressed: number
  last: Record
}

/** Limits the records of each class in each window. Times are epoch milliseconds. */
export interface Cap {
  /** Whether a record about a subject may be written. */
  readonly pass: (record: Record, subject: Subject, now: number) => boolean
  /** The records that say how many were suppressed in the windows that have ended by a time. */
  readonly summaries: (now: number) => ReadonlyArray<Record>
  /** The same for the windows that are known to have ended, without checking the others. */
  readonly ended: () => ReadonlyArray<Record>
  /** Whether a record about suppressed ones is still to be written. */
  readonly owes: () => boolean
}

/** The most classes; those whose window began first are forgotten first. */
const mostKnown = 1000

const nothing: ReadonlyArray<Record> = []

/** A cap writes `most` records of a class in `window` milliseconds, and all records that are not `capped`. */
export interface Rule {
  readonly most: number
  readonly window: number
  readonly capped: (subject: Subject) => boolean
}

/** A cap for every class. */
export const all = (): boolean => true

/** The cap without an option: failures that may come in thousands a second are one line a minute, and a count. */
export const storms: Rule = { most: 1, window: 60_000, capped: ({ mayStorm }) => mayStorm }

export const make = ({ capped, most, window }: Rule): Cap => {
  const counts = new Map<string, Count>()
  let told: ReadonlyArray<Record> = nothing
  // Classes whose suppressed records are not yet counted by a record.
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
    pass: (record, subject, now) => {
      if (!capped(subject)) return true
      const key = subject.class
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

/** One record for many: about their class, at the level of the last one. */
const summary = ({ date, fields, level, message, reports }: Record, suppressed: number, window: number): Record => {
  const [report] = reports
  return {
    date,
    level,
    message: `${suppressed} more in ${window / 1000} s like: ${report?.message ?? message}`,
    annotations: {},
    fields: report === undefined ? { ...fields, suppressed } : { suppressed },
    reports: reports.slice(0, 1)
  }
}
