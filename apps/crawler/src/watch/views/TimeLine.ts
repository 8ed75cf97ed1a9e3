/**
 * Attempts and waits of pages on one time axis, and the same in words for those who do not see it.
 */
import type { ItemLine } from "../Model.ts"
import type { Attempt } from "../../page/Story.ts"
import { axis } from "./Axis.ts"
import type { Axis } from "./Axis.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { link } from "./Link.ts"
import { table } from "./Table.ts"
import { codes, foreign, state } from "./Text.ts"
import { next } from "./Waiting.ts"
import * as Words from "./Words.ts"

/** Pages that are drawn. More would not be read, and slow the page down. */
const mostRows = 200

/** A wait that takes up less of the axis, in percent, has no room for its reason. */
const leastForText = 20

/** The plot of those pages that have a story. `untold` have one, too, and are not among them. */
export const timeLine = (items: ReadonlyArray<ItemLine>, now: number, untold = 0): Node | false => {
  const told = items.filter(({ story }) => story.length > 0)
  if (told.length === 0) return false
  const drawn = told.slice(0, mostRows)
  const left = told.length - drawn.length + untold
  return html`<figure class="plot">
    ${drawing(drawn, now)}
    ${left > 0 && html`<p class="quiet">${Words.counted(left, "page")} more are not drawn.</p>`}
    <details>
      <summary>The same in words</summary>
      ${table("Attempts and waits of each page", drawn, ({ id }) => id, [
        { title: "Page", kind: "main", cell: (item) => link((to) => to.item(item), foreign(item.url, 70)) },
        { title: "Attempts and waits", kind: "wide", cell: ({ story }) => story.map(inWords).join("; ") },
        { title: "Goes again", kind: "full", cell: ({ nextAt }) => next(nextAt, now) }
      ])}
    </details>
  </figure>`
}

/** Pages on one axis, a row for each, below what the marks mean. */
export const drawing = (items: ReadonlyArray<ItemLine>, now: number): Child => {
  const line = axisOf(items, now)
  return [
    legend(),
    html`<ol>
      <li class="ticks">${ticks(line, now)}</li>
      ${items.map((item) => row(item, line, now))}
      ${items.length > 12 && html`<li class="ticks">${ticks(line, now)}</li>`}
    </ol>`
  ]
}

/** One page on an axis of its own, beside a table that says the same. */
export const strip = (item: ItemLine, now: number): Node => {
  const line = axisOf([item], now)
  return html`<div class="plot" aria-hidden="true">${ticks(line, now)} ${lineOf(item, line, now, {})}</div>`
}

const endOf = ({ at, ms }: Attempt): number => at + ms

/** From the first attempt to the last planned one, or to a time that leaves room for what has happened already. */
const axisOf = (items: ReadonlyArray<ItemLine>, now: number): Axis => {
  const attempts = items.flatMap(({ story }) => story)
  const plans = items.flatMap(({ nextAt }) => (nextAt === undefined ? [] : [nextAt]))
  const from = attempts.reduce((least, { at }) => Math.min(least, at), Infinity)
  const last = attempts.reduce((most, attempt) => Math.max(most, endOf(attempt)), from)
  if (plans.length === 0) return axis(from, last)
  const past = Math.max(last, now)
  const planned = plans.reduce((most, at) => Math.max(most, at), past)
  return axis(from, Math.min(planned, past + Math.max(60_000, 2 * (past - from))))
}

const percent = (value: number): string => `${Math.round(value * 100) / 100}%`

const ticks = (line: Axis, now: number): Node =>
  html`<svg width="100%" height="18" aria-hidden="true">
    ${line.ticks.map(({ at, text }) => label(at, 12, text))}
    ${isWithin(now, line) && html`<line class="now" x1=${percent(line.at(now))} x2=${percent(line.at(now))} y1="14" y2="18" />`}
  </svg>`

const isWithin = (time: number, { from, to }: Axis): boolean => time >= from && time <= to

/** A text that stays within the picture at its ends. */
const label = (at: number, y: number, text: string): Node =>
  html`<text x=${percent(at)} y=${y} text-anchor=${at < 8 ? "start" : at > 92 ? "end" : "middle"}>${text}</text>`

const height = 32
const middle = 21

const row = (item: ItemLine, line: Axis, now: number): Node => {
  const { id, story, url } = item
  return html`<li key=${id}>
    <span class="page">${link((to) => to.item(item), foreign(url.replace(/^https?:\/\//, ""), 48))}</span>
    ${lineOf(item, line, now, { role: "img", "aria-label": story.map(inWords).join("; ") })}
  </li>`
}

const lineOf = (
  { nextAt, story }: ItemLine,
  line: Axis,
  now: number,
  attributes: { readonly [name: string]: string }
): Node => {
  const isLate = nextAt !== undefined && nextAt > line.to
  return html`<svg width="100%" height=${height} ...${attributes}>
      ${line.ticks.map(({ at }) => vertical("tick", at))} ${isWithin(now, line) && vertical("now", line.at(now))}
      ${story.map((attempt, index) => waited(attempt, story[index + 1]?.at ?? nextAt, line))}
      ${story.map((attempt) => attempted(attempt, line))}
      ${
        nextAt !== undefined &&
        html`<g class="planned">
          <title>${`goes again at ${Words.moment(nextAt, now)}`}</title>
          <svg class="mark" x=${percent(line.at(nextAt))} y=${middle}>
            <path d=${isLate ? "M-6-4l6 4-6 4" : "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"} />
          </svg>
        </g>`
      }
    </svg>`
}

const vertical = (kind: string, at: number): Node =>
  html`<line class=${kind} x1=${percent(at)} x2=${percent(at)} y1="0" y2=${height} />`

/** A wait: a line whose pattern is its reason. It ends where the next attempt begins. */
const waited = (attempt: Attempt, until: number | undefined, line: Axis): Child => {
  const { wait } = attempt
  if (wait === undefined) return false
  const from = line.at(endOf(attempt))
  const to = line.at(until ?? endOf(attempt) + wait.ms)
  return html`<g class="wait ${wait.why}">
    <title>${waitInWords(wait)}</title>
    <line x1=${percent(from)} x2=${percent(Math.max(from, to))} y1=${middle} y2=${middle} />
    ${to - from >= leastForText && html`<text x=${percent(from + (to - from) / 2)} y="13" text-anchor="middle">${Words.whys[wait.why][0]}</text>`}
  </g>`
}

/** How an attempt ended is a shape at its end: a cross, a disc, or a square where nothing was asked for. Its bar is how long it took. */
const marks: { readonly [end in Attempt["end"]]: string } = {
  failed: "M-4-4l8 8m0-8l-8 8",
  ok: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
  held: "M-3.5-3.5h7v7h-7z"
}

const attempted = (attempt: Attempt, line: Axis): Node => {
  const [from, to] = [line.at(attempt.at), line.at(endOf(attempt))]
  return html`<g class="attempt ${attempt.end}">
    <title>${inWords(attempt)}</title>
    <rect x=${percent(from)} width=${percent(to - from)} y=${middle - 2.5} height="5" />
    <svg class="mark" x=${percent(to)} y=${middle}><path d=${marks[attempt.end]} /></svg>
  </g>`
}

const ends: { readonly [end in Attempt["end"]]: string } = {
  ok: "ok",
  failed: "failed",
  held: "held back: the host was paused"
}

const waitInWords = ({ ms, why }: NonNullable<Attempt["wait"]>): string =>
  `waits ${Words.duration(ms, true)}: ${Words.whys[why][1]}`

/** `14:02:24 failed connection_reset after 900 ms, waits 8 s: the policy waits after a failure (backoff)`. */
export const inWords = (attempt: Attempt): string => {
  const { at, code, detail, end, ms, status, wait } = attempt
  const what = [detail ?? code ?? "", status === undefined || status === 0 ? "" : String(status)]
  const told = [Words.clock(at), ends[end], ...what].filter((part) => part !== "").join(" ")
  const took = end === "held" ? "" : ` after ${Words.duration(ms, true)}`
  return Words.visible(`${told}${took}${wait === undefined ? "" : `, ${waitInWords(wait)}`}`)
}

const legend = (): Node =>
  html`<ul class="legend" aria-hidden="true">
    ${(["failed", "ok", "held"] as const).map(
      (end) =>
        html`<li>
          <svg width="12" height="12" class="attempt ${end}">
            <svg class="mark" x="6" y="6"><path d=${marks[end]} /></svg>
          </svg>
          ${end === "held" ? "held back" : end}
        </li>`
    )}
    <li>
      <svg width="12" height="12" class="planned">
        <svg class="mark" x="6" y="6"><path d="M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0" /></svg>
      </svg>
      planned
    </li>
    ${Object.entries(Words.whys).map(
      ([why, [name]]) =>
        html`<li>
          <svg width="26" height="12" class="wait ${why}"><line x1="0" x2="26" y1="6" y2="6" /></svg>
          waits: ${name}
        </li>`
    )}
    <li>
      <svg width="8" height="12"><line class="now" x1="4" x2="4" y1="0" y2="12" /></svg> now
    </li>
  </ul>`

/** The attempts of one page as a table. */
export const attemptTable = (story: ReadonlyArray<Attempt>, now: number): Node =>
  table(
    "Attempts",
    story.map((attempt, index) => ({ ...attempt, index })),
    ({ index }) => String(index),
    [
      { title: "Attempt", kind: "number", cell: ({ index }) => index + 1 },
      { title: "Began", cell: ({ at }) => Words.moment(at, now) },
      { title: "Took", kind: "number", cell: ({ end, ms }) => (end === "held" ? "" : Words.duration(ms, true)) },
      { title: "Ended", kind: "main", cell: ended },
      { title: "HTTP", kind: "number", cell: ({ status }) => (status === undefined || status === 0 ? "" : status) },
      { title: "Then", kind: "wide", cell: ({ wait }) => (wait === undefined ? "" : waitInWords(wait)) }
    ]
  )

const ended = ({ code, detail, end }: Attempt): Node =>
  html`<span>${state(end)} ${codes(code ?? "", detail ?? "")}</span>`
