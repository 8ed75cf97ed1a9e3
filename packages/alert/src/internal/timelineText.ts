import * as DateTime from "effect/DateTime"
import type { Lane, Mark, Timeline } from "../Timeline.ts"

/** Lanes are named at the left of them, in so many characters. */
const mostName = 14

const signs = { bad: "!", good: "o", plain: "-" } as const

export const draw = (timeline: Timeline, width: number): ReadonlyArray<string> => {
  const { from, key, lanes, lines, until } = timeline
  if (isEmpty(timeline)) return [cut(plain(key), width), ...lines]
  const left = Math.min(mostName, Math.max(...lanes.map(({ name }) => name.length))) + 2
  const columns = width - left
  const column = (at: number) =>
    Math.min(columns - 1, Math.max(0, Math.floor(((at - from) / (until - from)) * columns)))
  const rows = lanes.map((lane) => `${cut(plain(lane.name), left - 2).padEnd(left)}${rowOf(lane, columns, column)}`)
  const [begin, end] = [moment(from, until - from), moment(until, until - from)]
  const axis = `${" ".repeat(left)}${begin}${end.padStart(Math.max(end.length + 1, columns - begin.length))}`
  return [
    cut(plain(key), width),
    `${summary(timeline)}; ! bad news, o good, - neither, = held back`,
    "",
    axis,
    ...rows.map((row) => row.trimEnd()),
    "",
    ...lines.map((line) => cut(plain(line), width))
  ]
}

const rowOf = (lane: Lane, columns: number, column: (at: number) => number): string => {
  const row = Array.from({ length: columns }, () => " ")
  for (const { from, until, what } of lane.spans) {
    const [begin, end] = [column(from), column(until)]
    for (let at = begin; at <= end; at++) row[at] = "="
    // The rule stands in its span, where there is room for it.
    const label = ` ${plain(what)} `
    if (label.length + 2 > end - begin) continue
    for (let index = 0; index < label.length; index++) row[begin + 1 + index] = label.charAt(index)
  }
  const put = ({ at, tone }: Mark) => {
    row[column(at)] = signs[tone]
  }
  // Bad news is seen though good news is at the same place.
  const order = ["plain", "good", "bad"]
  lane.marks.toSorted((one, other) => order.indexOf(one.tone) - order.indexOf(other.tone)).forEach(put)
  return row.join("")
}

/** Whether nothing was noted. */
export const isEmpty = ({ lanes }: Timeline): boolean =>
  lanes.every(({ marks, spans }) => marks.length + spans.length === 0)

/** What a terminal would act on becomes a space. */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")

const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 3)}...`)

/** A time, in the digits that tell it from others on an axis of so many milliseconds. */
export const moment = (at: number, span: number): string => {
  const digits = span < 10_000 ? 23 : span < 600_000 ? 19 : 16
  return DateTime.formatIso(DateTime.makeUnsafe(at)).slice(0, digits).replace("T", " ")
}

/** How many failures people were told of, and how many not. */
export const summary = ({ suppressed, told }: Timeline): string =>
  `${told} ${told === 1 ? "failure" : "failures"} told, ${suppressed} not told`
