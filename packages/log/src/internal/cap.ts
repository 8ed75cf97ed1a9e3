import type { Record } from "../Format.ts"
import type { Subject } from "./emit.ts"

/** What was not written of one class of records, in one window. */
interface Count {
  readonly began: number
  written: number
  suppressed: number
  last: Record
}

/** Lets so many records of a class pass in each window. Times are epoch milliseconds. */
export interface Cap {
  /** Whether a record about a subject may be written. */
  readonly pass: (record: Record, subject: Subject, now: number) => boolean
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

/** What a cap lets pass: `most` records of a class in `window` milliseconds, and all that are not `capped`. */
export interface Rule {
  readonly most: number
  readonly window: number
  readonly capped: (subject: Subject) => boolean
}

/** A cap for every class. */
export const all = (): boolean => true

/** Until somebody says how many failures are too many: what may be thousands in a second is one line a minute, and a count. */
export const storms: Rule = { most: 1, window: 60_000, capped: ({ mayStorm }) => mayStorm }

export const make = ({ capped, most, window }: Rule): Cap => {
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

/** A record in the place of many: about their class, at the level of the last. */
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
