import type * as LogLevel from "effect/LogLevel"
import type { Destination } from "../Destination.ts"
import type * as Format from "../Format.ts"
import type * as Cap from "./cap.ts"
import type { Subject } from "./emit.ts"

/** What becomes of a record: sampled, capped, written, or counted. */
export interface Writer {
  readonly accepts: (level: LogLevel.LogLevel) => boolean
  /** Writes a record, if it is to be; its subject is by default the first failure in it. Never throws. */
  readonly write: (record: Format.Record, subject?: Subject) => void
  /** Says how many records the cap suppressed in windows that have ended by then, in epoch milliseconds. */
  readonly summarize: (now: number) => void
  /** Whether the cap has suppressed what it has not said. */
  readonly owes: () => boolean
  /** How many records were lost since the beginning. */
  readonly lost: () => number
}

const golden = (Math.sqrt(5) - 1) / 2

/** What decides which records are written. */
export interface Rules {
  readonly sample: { readonly [level: string]: number | undefined }
  readonly cap: Cap.Cap | undefined
}

/** A program that logs a failure by itself decides how often. */
const ofFailure = ({ reports: [report] }: Format.Record): Subject | undefined =>
  report && { class: report.fingerprint, mayStorm: false }

export const make = ({ accepts = () => true, lost, write }: Destination, { cap, sample }: Rules): Writer => {
  let failed = 0

  const put = (record: Format.Record) => {
    try {
      write(record)
    } catch {
      failed++
    }
  }

  // A series that spreads evenly and never repeats: the program's own chance is not the log's to draw from.
  let chance = 0
  const next = () => (chance = (chance + golden) % 1)

  const isSampled = ({ level, reports, trace }: Format.Record): boolean => {
    const share = sample[level]
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
