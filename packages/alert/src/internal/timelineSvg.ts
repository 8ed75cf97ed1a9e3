import type { Lane, Mark, Timeline } from "../Timeline.ts"
import { cut } from "./texts.ts"
import { isEmpty, moment, summary } from "./timelineText.ts"

const [width, left, right, row, line] = [600, 110, 16, 34, 18] as const

/** Shapes differ, too: not everybody sees the colors. */
const shapes = {
  bad: (x: number, y: number) => `<path class="bad" d="M${x} ${y - 7}l7 12h-14z"/>`,
  good: (x: number, y: number) => `<circle class="good" cx="${x}" cy="${y}" r="6"/>`,
  plain: (x: number, y: number) => `<rect class="plain" x="${x - 5}" y="${y - 5}" width="10" height="10"/>`
}

export const draw = (timeline: Timeline): string => {
  const { from, key, lines, until } = timeline
  const span = until - from
  // A time axis of nothing would begin in 1970.
  const lanes = isEmpty(timeline) ? [] : timeline.lanes
  const x = (at: number) => round(left + ((at - from) / span) * (width - left - right))
  const top = 74
  const bottom = top + lanes.length * row
  const texts = lines.flatMap((text) => wrapped(text))
  const height = bottom + 30 + texts.length * line
  const ticks = (lanes.length === 0 ? [] : [0, 0.5, 1]).map((share) => {
    const at = x(from + share * span)
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle"
    return (
      `<line class="tick" x1="${at}" y1="${top - 8}" x2="${at}" y2="${bottom}"/>` +
      `<text class="axis" x="${at}" y="${top - 14}" text-anchor="${anchor}">${moment(from + share * span, span)}</text>`
    )
  })
  const rows = lanes.map((lane, index) => laneOf(lane, top + index * row + row / 2, x, span))
  const said = texts.map((text, index) => `<text x="8" y="${bottom + 30 + index * line}">${escaped(text)}</text>`)
  const counts = summary(timeline)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="100%" style="max-width:${width * 1.4}px" role="img">`,
    `<title>${escaped(`Incident ${key}: ${counts}`)}</title>`,
    `<desc>${escaped(lines.join("\n"))}</desc>`,
    `<style>svg{color-scheme:light dark}text{font:13px system-ui,sans-serif;fill:#333}.key{font-weight:600;font-size:15px}.axis{fill:#666;font-size:12px}`,
    `.tick{stroke:#ddd}.held{fill:#f2d59b}.bad{fill:#c0392b}.good{fill:#27834f}.plain{fill:#888}`,
    `@media(prefers-color-scheme:dark){text{fill:#ddd}.axis{fill:#aaa}.tick{stroke:#444}.held{fill:#6b5420}.bad{fill:#ff8a7a}.good{fill:#6fcf97}.plain{fill:#aaa}}`,
    `@media print{text{fill:#000}}</style>`,
    `<text class="key" x="8" y="20">${escaped(cut(key, 70))}</text>`,
    `<text x="8" y="38">${counts}</text>`,
    ...ticks,
    ...rows,
    ...said,
    `</svg>`,
    ""
  ].join("\n")
}

const laneOf = (lane: Lane, y: number, x: (at: number) => number, span: number): string => {
  const name = `<text x="8" y="${y + 4}">${escaped(cut(lane.name, 14))}</text>`
  const spans = lane.spans.map(({ from, until, what }) => {
    const [begin, end] = [x(from), x(until)]
    const size = round(Math.max(3, end - begin))
    // A letter takes some seven units.
    const label = what.length * 7 < size - 8 ? `<text x="${begin + 6}" y="${y + 4}">${escaped(what)}</text>` : ""
    return `<g><title>${escaped(what)}</title><rect class="held" x="${begin}" y="${y - 11}" width="${size}" height="22" rx="4"/>${label}</g>`
  })
  let free = -Infinity
  const marks = lane.marks.map(({ at, times, tone, what }: Mark) => {
    const here = x(at)
    const label = times === 1 ? what : `${what} and ${times - 1} more`
    const size = 10 + label.length * 7
    const isRight = here - 4 > free && here + size < width
    const isLeft = !isRight && here - size > free
    // What finds no room is in the title of its mark, and in the lines below.
    free = isRight ? here + size : here + 8
    const text = isRight
      ? `<text class="axis" x="${here + 10}" y="${y + 4}">${escaped(label)}</text>`
      : isLeft
        ? `<text class="axis" x="${here - 10}" y="${y + 4}" text-anchor="end">${escaped(label)}</text>`
        : ""
    return `<g><title>${escaped(`${moment(at, span)} ${label}`)}</title>${shapes[tone](here, y)}${text}</g>`
  })
  return [name, ...spans, ...marks].join("")
}

const round = (value: number): number => Number(value.toFixed(1))

/** No text is wider than the picture; what a decision says after three lines is cut. */
const wrapped = (text: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < 80) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(lines.length === 0 ? word : `    ${word}`)
  }
  return lines.slice(0, 3).map((one) => cut(one, 84))
}

/** Text of a failure stays text; XML knows no other control characters. */
const escaped = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
