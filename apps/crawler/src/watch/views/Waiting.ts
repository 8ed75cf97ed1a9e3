/**
 * What still waits: until when, and for which reason.
 */
import type { Frame, HostPause, ItemLine } from "../Model.ts"
import { act, signInFirst } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { link } from "./Link.ts"
import * as Addresses from "./Addresses.ts"
import { table } from "./Table.ts"
import { codes, countdown, foreign, time } from "./Text.ts"
import * as Words from "./Words.ts"

/** Why a page waits, by its last attempt. */
export const whyOf = ({ story }: ItemLine): string => {
  const why = story.at(-1)?.wait?.why
  return why === undefined ? "it goes again when its turn comes" : Words.whys[why][1]
}

/** When a page goes again. */
export const next = (at: number | undefined, now: number): Child =>
  at === undefined
    ? ""
    : html`<span class="next">${countdown(at, now)} <span class="quiet">${time(at, now)}</span></span>`

export const waitingTable = (items: ReadonlyArray<ItemLine>, now: number): Node =>
  table("Pages that go again", items, ({ id }) => id, [
    { title: "Goes again", kind: "full", cell: ({ nextAt }) => next(nextAt, now) },
    { title: "Page", kind: "main", cell: (item) => link((to) => to.item(item), foreign(item.url, 70)) },
    { title: "Why it waits", kind: "wide", cell: whyOf },
    {
      title: "Failed with",
      kind: "full",
      cell: ({ failure, story }) => {
        const { code, detail } = failure ?? story.findLast(({ end }) => end === "failed") ?? {}
        return code === undefined ? "" : codes(code, detail ?? "")
      }
    },
    {
      title: "Attempts",
      kind: "number",
      cell: ({ attempts, id, jobId }) => html`<a href=${Addresses.item({ id, jobId })}>${attempts}</a>`
    }
  ])

/** The button that opens a host before its time. */
export const open = (frame: Frame, host: string): Node =>
  frame.mayAct
    ? act(
        frame,
        "/act/open",
        { host },
        html`<button>Open now<span class="unseen"> ${Words.visible(host)}</span></button>`
      )
    : signInFirst("/hosts", "open it")

export const pauseTable = (frame: Frame, pauses: ReadonlyArray<HostPause>): Node =>
  table("Hosts that are paused", pauses, ({ host }) => host, [
    {
      title: "Opens",
      kind: "full",
      cell: ({ until }) => (until === undefined ? "when somebody opens it" : next(until, frame.now))
    },
    {
      title: "Host",
      kind: "main",
      cell: ({ host }) => html`<a href=${Addresses.items({ host })}>${foreign(host, 60)}</a>`
    },
    { title: "Why", kind: "wide", cell: ({ why }) => foreign(why, 200) },
    { title: "Paused by", cell: ({ by }) => foreign(by, 40) },
    { title: "Since", cell: ({ since }) => time(since, frame.now) },
    { title: "", cell: ({ host }) => open(frame, host) }
  ])
