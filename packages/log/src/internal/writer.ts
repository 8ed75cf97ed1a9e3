import * as Format from "../Format.ts"
import type { Stream } from "../Log.ts"
import * as Cap from "./cap.ts"
import * as Sink from "./sink.ts"

/** What becomes of a record: sampled, capped, formatted, written, or counted. */
export interface Writer {
  /** Writes a record, if it is to be; `random` in [0, 1) decides where no trace does. Never throws. */
  readonly write: (record: Format.Record, random: () => number) => void
  /** Says how many records the cap suppressed in windows that have ended by then, in epoch milliseconds. */
  readonly summarize: (now: number) => void
  /** Whether the cap has suppressed what it has not said. */
  readonly owes: () => boolean
  readonly sink: Sink.Sink
}

/** What decides which records are written, and as what. */
export interface Rules {
  readonly format: Format.Format
  readonly sample: { readonly [level: string]: number | undefined }
  readonly cap: Cap.Cap | undefined
}

export const make = (stream: Stream, { cap, format, sample }: Rules): Writer => {
  const sink = Sink.of(stream)
  let said = 0

  const put = (record: Format.Record) => {
    const lost = sink.dropped() - said
    if (lost > 0 && sink.isOpen()) {
      said += lost
      sink.write(`${lineOf(format, lostOf(lost, record.date))}\n`)
    }
    sink.write(`${lineOf(format, record)}\n`)
  }

  const isSampled = ({ level, reports, trace }: Format.Record, random: () => number): boolean => {
    const share = sample[level]
    if (share === undefined || reports.length > 0) return true
    // Records of one trace stay together, in every process.
    const chance = trace === undefined ? NaN : Number.parseInt(trace.traceId.slice(-8), 16) / 2 ** 32
    return (Number.isNaN(chance) ? random() : chance) < share
  }

  return {
    write: (record, random) => {
      if (!isSampled(record, random)) return
      if (cap !== undefined && !cap.pass(record, record.date.getTime())) return
      put(record)
    },
    summarize: (now) => {
      for (const record of cap?.summaries(now) ?? []) put(record)
    },
    owes: () => cap?.owes() ?? false,
    sink
  }
}

/** A format of the program's own may throw; its line is written all the same. */
const lineOf = (format: Format.Format, record: Format.Record): string => {
  try {
    return format(record)
  } catch {
    return Format.json(record)
  }
}

const lostOf = (count: number, date: Date): Format.Record => ({
  date,
  level: "Warn",
  message: `${count} log ${count === 1 ? "line was" : "lines were"} lost: their stream was slow, full or closed`,
  fields: { lost: count },
  reports: []
})
