import type { Result } from "../Simulation.ts"

const row = 18
const left = 44
const width = 720

/** A time on the axis, rounded to one decimal. */
const moment = (millis: number): string =>
  millis < 120_000 ? `${Number((millis / 1000).toFixed(1))} s` : `${Number((millis / 60_000).toFixed(1))} min`

/** A run as an image: a row for each call, a bar for each attempt, a line for each wait. Good and bad attempts also differ in shape. */
export const svg = ({ calls }: Result): string => {
  const end = calls.reduce((last, { endedAt }) => Math.max(last, endedAt), 1)
  const x = (millis: number) => Number((left + (millis / end) * (width - left - 60)).toFixed(1))
  const height = (calls.length + 2) * row
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = x(share * end)
    return `<line x1="${at}" y1="${row}" x2="${at}" y2="${height - row}" class="tick"/><text x="${at}" y="${row - 5}" text-anchor="middle">${moment(share * end)}</text>`
  })
  const rows = calls.map(({ attempts, ended, endedAt, startedAt }, index) => {
    const y = (index + 1) * row
    const middle = y + row / 2
    const bars = attempts.map(({ endedAt: to, isGood, startedAt: from }) => {
      const size = Math.max(4, x(to) - x(from))
      const shape = isGood ? `rx="4" class="good"` : `class="bad"`
      return `<rect x="${x(from)}" y="${y + 4}" width="${size}" height="${row - 8}" ${shape}/>`
    })
    const wait = `<line x1="${x(startedAt)}" y1="${middle}" x2="${x(endedAt)}" y2="${middle}" class="wait"/>`
    const label = `<text x="${left - 6}" y="${middle + 4}" text-anchor="end">${index + 1}</text>`
    const result = `<text x="${x(endedAt) + 8}" y="${middle + 4}">${ended}</text>`
    return [label, wait, ...bars, result].join("")
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${calls.length} calls and their attempts over ${moment(end)}</title>`,
    `<style>text{font:11px sans-serif;fill:#555}.tick{stroke:#ddd}.wait{stroke:#888;stroke-dasharray:2 2}.good{fill:#2a9d5c}.bad{fill:#d1495b}`,
    `@media(prefers-color-scheme:dark){text{fill:#bbb}.tick{stroke:#444}}</style>`,
    ...ticks,
    ...rows,
    `</svg>`,
    ""
  ].join("\n")
}
