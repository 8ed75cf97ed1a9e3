import type * as LogLevel from "effect/LogLevel"
import type { Destination } from "../Destination.ts"
import type * as Format from "../Format.ts"
import type * as Cap from "./cap.ts"
import type { Subject } from "./emit.ts"

/** Samples, caps, writes and counts records. */
export interface Writer {
  readonly accepts: (level: LogLevel.LogLevel) => boolean
  /** Writes a record, unless the sample or the cap leaves it out. Its subject is by default its first failure. Never throws. */
  readonly write: (record: Format.Record, subject?: Subject) => void
  /** Writes how many records the cap suppressed in the windows that have ended by a time, in epoch milliseconds. */
  readonly summarize: (now: number) => void
  /** Whether the cap has suppressed records that no record counts yet. */
  readonly owes: () => boolean
  /** The number of records that were lost since the start. */
  readonly lost: () => number
}

const golden = (Math.sqrt(5) - 1) / 2

/** The rules that decide which records are written. */
export interface Rules {
  readonly sample: { readonly [level: string]: number | undefined }
  readonly cap: Cap.Cap | undefined
}

/** Failures that a program logs by itself are not capped. */
const ofFailure = ({ reports }: Format.Record): Subject | undefined =>
  reports[0] && { class: reports[0].fingerprint, mayStorm: false }

export const make = ({ accepts = () => true, lost, write }: Destination, { cap, sample }: Rules): Writer => {
  let failed = 0

  const put = (record: Format.Record) => {
    try {
      write(record)
    } catch {
      failed++
    }
  }

  // An evenly spread series, because drawing from the program's `Random` would change its numbers.
  let chance = 0
  const next = () => (chance = (chance + golden) % 1)

  const isWhole = Object.keys(sample).length === 0
  const isSampled = ({ level, reports, trace }: Format.Record): boolean => {
    const share = isWhole ? undefined : sample[level]
    if (share === undefined || reports.length > 0) return true
    // Records of one trace stay together, in every process.
    const drawn = trace === undefined ? NaN : Number.parseInt(trace.traceId.slice(-8), 16) / 2 ** 32
    return (Number.isNaN(drawn) ? next() : drawn) < share
  }

  return {
    accepts,
    write: (record, subject = ofFailure(record)) => {
      if (!isSampled(record)) return
      if (cap === undefined || subject === undefined) return put(record)
      const isPassed = cap.pass(record, subject, record.date.getTime())
      for (const said of cap.ended()) put(said)
      if (isPassed) put(record)
    },
    summarize: (now) => {
      for (const record of cap?.summaries(now) ?? []) put(record)
    },
    owes: () => cap?.owes() ?? false,
    lost: () => failed + (lost?.() ?? 0)
  }
}
