/**
 * A picture of an incident: when people were told, by whom, what held alerts back, and what never arrived. From the entries of a journal, as text for
 * a terminal and as SVG for a page or an email.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Svg from "./internal/timelineSvg.ts"
import * as Text from "./internal/timelineText.ts"
import { format, type Entry } from "./Journal.ts"

/**
 * Which part of an incident is shown.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The name of the one incident that is shown, as its alerts have it. Default: all of the key. */
  readonly incident?: string | undefined
  /** The first moment, in epoch milliseconds. Default: that of the first entry. */
  readonly from?: number | undefined
  /** The last moment, in epoch milliseconds. Default: that of the last entry. */
  readonly until?: number | undefined
  /** How many decisions are listed in words; the first and the last ones, and between them how many more there are. Default: 40. */
  readonly most?: number | undefined
}

/**
 * Something that happened in a lane.
 *
 * @category models
 * @since 0.1.0
 */
export interface Mark {
  /** When, in epoch milliseconds. */
  readonly at: number
  /** What: the status of an alert, or what became of it. */
  readonly what: string
  /** Whether it is bad news, good news, or neither. */
  readonly tone: "bad" | "good" | "plain"
  /** How many alike happened at this place of the picture. */
  readonly times: number
}

/**
 * A time during which alerts were held back.
 *
 * @category models
 * @since 0.1.0
 */
export interface Span {
  /** Its begin, in epoch milliseconds. */
  readonly from: number
  /** Its end, in epoch milliseconds. */
  readonly until: number
  /** The rule, such as `silence: deploy`. */
  readonly what: string
}

/**
 * A row of the picture: what was told, what was held back, and each sink.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lane {
  /** Its name: `told`, `held back`, or the name of a sink. */
  readonly name: string
  /** What happened, oldest first, at most 100 places. */
  readonly marks: ReadonlyArray<Mark>
  /** What lasted; only `held back` has some. */
  readonly spans: ReadonlyArray<Span>
}

/**
 * The picture, as data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeline {
  /** The key of the incident. */
  readonly key: string
  /** Its begin, in epoch milliseconds. */
  readonly from: number
  /** Its end, in epoch milliseconds. */
  readonly until: number
  /** How many failures the alerts counted. */
  readonly told: number
  /** How many failures nobody was told of. */
  readonly suppressed: number
  /** The rows. */
  readonly lanes: ReadonlyArray<Lane>
  /** The decisions in words, oldest first. */
  readonly lines: ReadonlyArray<string>
}

const rules: Check.Rules<Options> = {
  incident: Check.text,
  from: Check.int(0),
  until: Check.int(0),
  most: Check.int(2)
}

/** A lane has so many places; what happens at one place is one mark. */
const places = 100

/**
 * Makes the picture of one incident from what was decided about its key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (key: string, entries: ReadonlyArray<Entry>, options: Options = {}): Timeline => {
  const {
    from: least = -Infinity,
    incident,
    most = 40,
    until: last = Infinity
  } = Check.options("Timeline.make", rules, options)
  const own = entries
    .filter((entry) => entry.key === key && (incident === undefined || entry.incident === incident))
    .filter(({ at }) => at >= least && at <= last)
    .toSorted((one, other) => one.at - other.at)
  const from = options.from ?? own[0]?.at ?? 0
  const until = Math.max(options.until ?? own.at(-1)?.at ?? from, from + 1)
  const sinks = [...new Set(own.flatMap((entry) => entry.sinks))]
  const sum = (decision: Entry["decision"]) =>
    own.reduce((all, entry) => all + (entry.decision === decision ? entry.count : 0), 0)
  const gathered = (of: (entry: Entry) => Omit<Mark, "at" | "times"> | undefined): ReadonlyArray<Mark> => {
    const found = new Map<string, Mark>()
    for (const entry of own) {
      const mark = of(entry)
      if (mark === undefined) continue
      const place = Math.min(places - 1, Math.floor(((entry.at - from) / (until - from)) * places))
      const id = `${place} ${mark.tone}`
      const before = found.get(id)
      found.set(id, before === undefined ? { ...mark, at: entry.at, times: 1 } : { ...before, times: before.times + 1 })
    }
    return [...found.values()]
  }
  return {
    key,
    from,
    until,
    told: sum("told"),
    suppressed: sum("suppressed") + sum("collapsed"),
    lanes: [
      { name: "told", marks: gathered(markOfTold), spans: [] },
      ...heldLane(own, until),
      ...sinks.map((sink) => ({ name: sink, marks: gathered((entry) => markOfSink(sink, entry)), spans: [] }))
    ],
    lines: own.length === 0 ? ["nothing was noted of this key"] : shortened(own.map(format), most)
  }
}

const markOfTold = ({ decision, why }: Entry): Omit<Mark, "at" | "times"> | undefined => {
  if (decision === "suppressed") return { what: `nobody told: ${why}`, tone: "plain" }
  if (decision !== "told") return undefined
  return { what: why, tone: why === "resolved" ? "good" : why === "expired" || why === "retrying" ? "plain" : "bad" }
}

const markOfSink = (sink: string, { decision, sinks, why }: Entry): Omit<Mark, "at" | "times"> | undefined => {
  if (decision === "told" || decision === "held" || !sinks.includes(sink)) return undefined
  if (decision === "delivered") return { what: `${why} delivered`, tone: "good" }
  return { what: `${decision}: ${why}`, tone: decision === "refused" ? "bad" : "plain" }
}

/** What holds alerts back does so until the next alert is told, or the incident is over without a word. */
const heldLane = (entries: ReadonlyArray<Entry>, until: number): ReadonlyArray<Lane> => {
  const spans: Array<Span> = []
  let open: Span | undefined
  for (const { at, decision, why } of entries) {
    if (decision === "delivered" || decision === "refused" || decision === "collapsed") continue
    if (open !== undefined) spans.push({ ...open, until: at })
    open = decision === "held" ? { from: at, until, what: why } : undefined
  }
  if (open !== undefined) spans.push(open)
  if (spans.length === 0) return []
  const kept = spans.slice(0, places)
  const rest = spans[places]
  return [
    {
      name: "held back",
      marks: [],
      spans: rest === undefined ? kept : [...kept, { from: rest.from, until, what: `${spans.length - places} more` }]
    }
  ]
}

const shortened = (lines: ReadonlyArray<string>, most: number): ReadonlyArray<string> => {
  if (lines.length <= most) return lines
  const half = Math.floor(most / 2)
  return [...lines.slice(0, most - half), `... ${lines.length - most} more ...`, ...lines.slice(-half)]
}

/**
 * How the picture is drawn as text.
 *
 * @category options
 * @since 0.1.0
 */
export interface TextOptions {
  /** The number of columns, from 40 to 1000; others are the nearest of these. Default: 80. */
  readonly width?: number | undefined
}

/**
 * The picture as lines of text.
 *
 * @category formatting
 * @since 0.1.0
 */
export const text = (timeline: Timeline, options: TextOptions = {}): ReadonlyArray<string> =>
  Text.draw(timeline, Math.min(1000, Math.max(40, options.width ?? 80)))

/**
 * The picture as an SVG that needs nothing else: no script, no font, no other file. It is dark where the page is.
 *
 * @category formatting
 * @since 0.1.0
 */
export const svg = (timeline: Timeline): string => Svg.draw(timeline)
