/**
 * What all pictures of an explanation have in common: their size, their axis and their colors.
 */
import { type Child, html } from "../html.ts"
import { time } from "./words.ts"

/** A picture of the common width. */
export interface Picture {
  /** Names it on a page. */
  readonly id: string
  readonly title: string
  /** What it shows, for those who do not see it. */
  readonly description: string
  readonly height: number
  readonly body: Child
}

export const width = 520
export const left = 92
export const right = 74
export const row = 20
export const axis = 22

/** Colors of all pictures, light and dark. */
export const style = `
.picture{--ink:#24292f;--soft:#6b7280;--line:#d4d8dd;--a:#2563eb;--range:#93b4f5;--bad:#c2410c;--shade:#fde8d8}
.picture text{font:12px system-ui,sans-serif;fill:var(--ink)}
.picture .soft{fill:var(--soft)}
.picture .tick{stroke:var(--line)}
.picture .range{fill:var(--range)}
.picture .middle{fill:var(--a)}
.picture .bar{fill:var(--bad)}
.picture .wait{stroke:var(--soft);stroke-dasharray:2 3}
.picture .shade{fill:var(--shade)}
.picture .load{fill:var(--range);stroke:var(--a);stroke-width:1.5}
.picture .free{fill:none;stroke:var(--bad);stroke-width:1.5;stroke-dasharray:4 3}
.picture .normal{stroke:var(--soft);stroke-dasharray:1 3}
@media (prefers-color-scheme:dark){.picture{--ink:#e6e8eb;--soft:#9aa4b0;--line:#3a424d;--a:#8ab4ff;--range:#2f4f86;--bad:#fb923c;--shade:#3b2a1e}}
@media print{.picture{--ink:#000;--soft:#444;--line:#bbb;--a:#2563eb;--range:#93b4f5;--bad:#c2410c;--shade:#f3e3d6}}
`

export const round = (value: number): number => Number(value.toFixed(1))

/** The place of a time on an axis that ends with `end`. */
export const scale = (end: number) => (millis: number) =>
  round(left + (millis / Math.max(end, 1)) * (width - left - right))

export const ticks = (end: number, top: number, bottom: number): Child =>
  [0, 0.5, 1].map((part) => {
    const x = scale(1)(part)
    return html`<g>
      <line class="tick" x1=${x} y1=${top} x2=${x} y2=${bottom} />
      <text class="soft" x=${x} y=${bottom + 14} text-anchor="middle">${time(part * end)}</text>
    </g>`
  })

export const label = (text: string, y: number): Child =>
  html`<text x=${left - 8} y=${y + row / 2 + 4} text-anchor="end">${text}</text>`
