/**
 * Texts, marks and times: the smallest parts of the views.
 */
import type { Status } from "../Filter.ts"
import type { JobLine } from "../Model.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { anchor, link } from "./Link.ts"
import type { To } from "./Link.ts"
import * as Addresses from "./Addresses.ts"
import * as Words from "./Words.ts"

/** A text of strangers: isolated from its neighbours, and cut in the middle if it is long. */
export const foreign = (text: string, most = 90): Node => {
  const whole = Words.visible(text)
  const short = Words.cut(whole, most)
  const kind = /^\w+:\/\/\S+$/.test(whole) ? "url" : undefined
  return html`<bdi class=${kind} title=${short === whole ? undefined : whole}>${short}</bdi>`
}

/** A link to a page of a site, if it is one of the web, and a text if not. */
export const outside = (url: string): Node => {
  const href = Addresses.outside(url)
  return href === undefined ? foreign(url, 400) : anchor(href, foreign(url, 400))
}

/** A number that leads to what it counts. Nothing leads nowhere. */
export const count = (value: number, to: To, noun?: string): Node => {
  const text = noun === undefined ? Words.number(value) : Words.counted(value, noun)
  return value === 0 ? html`<span class="none">${text}</span>` : link(to, text)
}

/** A code and the detail that refines it, as they are in the log. */
export const codes = (...names: ReadonlyArray<string>): Node =>
  html`<span class="codes">
    ${names.flatMap((name, index) => (name === "" ? [] : [index > 0 && " ", html`<code>${Words.cut(Words.visible(name), 48)}</code>`]))}
  </span>`

/** A point in time. */
export const time = (at: number, now: number): Node =>
  html`<time datetime=${Words.iso(at)} title=${Words.iso(at)}>${Words.moment(at, now)}</time>`

/** How long until a point in time. In a browser it counts down. */
export const countdown = (at: number, now: number): Node =>
  html`<span class="countdown" data-until=${at}>${Words.until(at - now)}</span>`

/** How long ago. */
export const ago = (at: number, now: number): Node =>
  html`<time datetime=${Words.iso(at)} title=${Words.iso(at)}>${Words.duration(now - at)} ago</time>`

type State = Status | JobLine["status"] | "open" | "resolved" | "paused" | "parked" | "ok" | "held"

/** The words and shapes of states; no state is known by its colour alone. */
const states: { readonly [state in State]: readonly [word: string, kind: keyof typeof shapes] } = {
  new: ["queued", "queued"],
  queued: ["queued", "queued"],
  in_progress: ["running", "running"],
  running: ["running", "running"],
  waiting: ["waits", "waiting"],
  done: ["done", "done"],
  ok: ["ok", "done"],
  failed: ["failed", "failed"],
  error: ["failed", "failed"],
  open: ["open", "failed"],
  cancelled: ["cancelled", "cancelled"],
  resolved: ["resolved", "done"],
  paused: ["paused", "paused"],
  parked: ["parked", "paused"],
  held: ["held back", "paused"]
}

/** Drawn in a square of 12. */
const shapes = {
  queued: "M6 2a4 4 0 1 0 .01 0z",
  running: "M4 2.5l6 3.5-6 3.5z",
  waiting: "M6 1.5a4.5 4.5 0 1 0 .01 0M6 3.5V6l2 1.5",
  done: "M2 6.5l3 3 5-7",
  failed: "M2.5 2.5l7 7m0-7l-7 7",
  cancelled: "M2 6h8",
  paused: "M4 2v8M8 2v8"
}

/** A state's mark and word, such as `× failed`. */
export const state = (of: State, word: Child = states[of][0]): Node => {
  const kind = states[of][1]
  return html`<span class="state ${kind}">
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><path d=${shapes[kind]} /></svg>${word}
  </span>`
}
