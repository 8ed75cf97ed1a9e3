/**
 * The pictures of an explanation: delays, worst case and outage, on a page or in a file of their own.
 */
import type * as Explanation from "./Explanation.ts"
import { axis, label, type Picture, right, round, row, scale, style, ticks, width } from "./frame.ts"
import { renderToString } from "preact-render-to-string"
import { type Child, html } from "../html.ts"
import { outage } from "./outagePicture.ts"
import type { Range } from "./series.ts"
import { time } from "./words.ts"
import type { Worst } from "./worst.ts"

/** A retry: from the earliest to the latest begin, and a mark in the middle. */
const rangeOf = ({ earliest, latest, middle }: Range, x: (millis: number) => number, y: number): Child =>
  html`<g>
    <rect
      class="range"
      x=${x(earliest)}
      y=${y + 5}
      width=${Math.max(2, x(latest) - x(earliest))}
      height=${row - 10}
      rx="2"
    />
    <rect class="middle" x=${x(middle) - 1.5} y=${y + 2} width="3" height=${row - 4} />
  </g>`

const panel = ({ pace, retries }: Explanation.Pace, top: number): Child => {
  const end = Math.max(...retries.map(({ begins }) => begins.latest), 1)
  const x = scale(end)
  const bottom = top + retries.length * row
  return html`<g>
    ${ticks(end, top, bottom)}
    ${retries.map(({ begins, retry }, index) => {
      const y = top + index * row
      return html`<g
        >${label(`${pace} ${retry}`, y)}${rangeOf(begins, x, y)}<text
          class="soft"
          x=${width - right + 8}
          y=${y + row / 2 + 4}
          >${time(begins.middle)}</text
        ></g
      >`
    })}
  </g>`
}

/** When each retry begins. Each pace has an axis of its own. */
export const delays = ({ paces }: Explanation.Explanation): Picture => {
  const drawn = paces.filter(({ retries }) => retries.length > 0)
  const heights = drawn.map(({ retries }) => retries.length * row + axis + 10)
  const top = (index: number) => heights.slice(0, index).reduce((sum, height) => sum + height, 4)
  return {
    id: "delays",
    title: "When each retry begins",
    description:
      "A bar for each retry, from the earliest to the latest time after the begin of the call; half of the calls make it before the mark. Each pace has an axis of its own.",
    height: top(drawn.length),
    body: drawn.map((pace, index) => panel(pace, top(index)))
  }
}

const worstRow = (one: Worst, name: string, end: number, y: number): Child => {
  const x = scale(end)
  const middle = y + row / 2
  const last = one.lasts ?? end
  return html`<g>
    ${label(name, y)}
    <line class="wait" x1=${x(0)} y1=${middle} x2=${x(last)} y2=${middle} />
    ${one.bars.map(
      ({ from, to }) =>
        html`<rect
          class="bar"
          x=${x(from)}
          y=${y + 5}
          width=${Math.max(2.5, round(x(to) - x(from)))}
          height=${row - 10}
        />`
    )}
    ${one.lasts === null ? html`<rect class="bar" x=${x(0)} y=${y + 5} width=${x(end) - x(0)} height=${row - 10} />` : ""}
    <text class="soft" x=${x(last) + 8} y=${middle + 4}>${one.lasts === null ? "never ends" : time(one.lasts)}</text>
  </g>`
}

const short: { readonly [How in Worst["how"]]: string } = {
  down: "down",
  late: "late",
  throttled: "throttles",
  parked: "parked"
}

/** The attempts of the longest call of each kind of failure. */
export const worst = ({ longest, worst }: Explanation.Explanation): Picture => {
  const rows = worst.flatMap((one) => {
    const name = one.how === "late" && one.because === "hangs" ? "hangs" : [short[one.how], one.pace].join(" ").trim()
    return [{ one, name }]
  })
  const end = rows.reduce((most, { one }) => Math.max(most, one.lasts ?? 0), 1)
  const bottom = rows.length * row + 4
  return {
    id: "worst",
    title:
      longest === null ? "The longest calls; nothing ends one that hangs" : `The longest calls, up to ${time(longest)}`,
    description: "A row for each kind of failure: a bar is an attempt, a dotted line a wait.",
    height: bottom + axis,
    body: html`<g>
      ${ticks(end, 4, bottom)} ${rows.map(({ name, one }, index) => worstRow(one, name, end, 4 + index * row))}
    </g>`
  }
}

/** All pictures that have something to show. */
export const all = (self: Explanation.Explanation): ReadonlyArray<Picture> =>
  [delays(self), worst(self), outage(self)].filter(({ height }) => height > 4)

/** A picture for a page, which has `style`. */
export const view = ({ body, description, height, id, title }: Picture): Child =>
  html`<svg class="picture" viewBox=${`0 0 ${width} ${height}`} role="img" aria-labelledby=${`${id}-title ${id}-desc`}>
    <title id=${`${id}-title`}>${title}</title>
    <desc id=${`${id}-desc`}>${description}</desc>
    ${body}
  </svg>`

/** All pictures below each other, as a file. */
export const svg = (self: Explanation.Explanation): string => {
  const pictures = all(self)
  const head = 34
  const top = (index: number) => pictures.slice(0, index).reduce((sum, { height }) => sum + height + head + 10, 30)
  const height = top(pictures.length)
  const file = html`<svg
    xmlns="http://www.w3.org/2000/svg"
    class="picture"
    viewBox=${`0 0 ${width} ${height}`}
    width=${width}
    height=${height}
    role="img"
    aria-labelledby="title desc"
  >
    <title id="title">${`${self.name}: delays, worst case and outage`}</title>
    <desc id="desc">${pictures.map(({ description }) => description).join(" ")}</desc>
    <style
      dangerouslySetInnerHTML=${{ __html: `.picture{background:#fff}.picture .name{font-weight:600}${style}@media (prefers-color-scheme:dark){.picture{background:#14181d}}` }}
    />
    <text class="name" x="8" y="20">${self.name}</text>
    ${pictures.map(
      ({ body, title }, index) =>
        html`<g transform=${`translate(0 ${top(index)})`}>
          <text class="name" x="8" y="22">${title}</text>
          <g transform=${`translate(0 ${head})`}>${body}</g>
        </g>`
    )}
  </svg>`
  return `${renderToString(file)}\n`
}
