/**
 * Pages of a report: the story of each one that failed, and a table of those that were read.
 */
import * as Groups from "../../watch/Groups.ts"
import { nextStep } from "../../watch/views/Actors.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { pageCell } from "../../watch/views/Items.ts"
import { table } from "../../watch/views/Table.ts"
import { codes, foreign, outside, state } from "../../watch/views/Text.ts"
import { attemptTable, inWords, strip } from "../../watch/views/TimeLine.ts"
import * as Words from "../../watch/views/Words.ts"
import type { Told } from "../Report.ts"

/** Where the story of a page is: within the report, and nothing that a stranger has written. */
export const idOf = ({ id, jobId }: { readonly id: string; readonly jobId: string }): string =>
  `page-${encodeURIComponent(`${jobId}-${id}`.toWellFormed()).replaceAll("%", "_")}`

export const story = (page: Told, now: number): Node =>
  html`<article class="story" id=${idOf(page)}>
    <h3>${page.isCut ? foreign(page.url, 160) : outside(page.url)}</h3>
    ${why(page)} ${told(page, now)}
  </article>`

const why = ({ failure, title }: Told): Child => {
  if (failure === undefined) return html`<p>${state("cancelled", "stopped")} ${foreign(title, 160)}</p>`
  const { actor, because, code, detail, message } = failure
  return [
    html`<p>${state("failed")} ${Groups.meaningOf(code, detail)} ${codes(code, detail)}</p>`,
    html`<p class="quiet">${foreign(message, 400)}</p>`,
    html`<p>
      Given up: ${Words.becauses[because] ?? Words.visible(because)}. Acts: ${Words.visible(actor)}. ${nextStep({ actor, code, detail })}
    </p>`
  ]
}

/** One attempt is a sentence; more of them are a picture and a table. */
const told = (page: Told, now: number): Child => {
  const { attempts, leftOut, story } = page
  const [first, second] = story
  if (first === undefined)
    return html`<p class="quiet">${attempts === 0 ? "It was not asked for." : `${Words.counted(attempts, "attempt")}.`}</p>`
  if (second === undefined) return html`<p class="quiet">One attempt: ${inWords(first)}.</p>`
  return [
    strip(page, now),
    attemptTable(story, now),
    leftOut > 0 && html`<p class="quiet">${Words.counted(leftOut, "attempt")} in the middle are left out.</p>`
  ]
}

export const pageRows = (pages: ReadonlyArray<Told>, now: number): Node =>
  table("Pages that were read", pages, idOf, [
    { title: "Page", kind: "main", cell: pageCell },
    { title: "HTTP", kind: "number", cell: ({ pageStatus }) => (pageStatus === 0 ? "" : pageStatus) },
    { title: "Attempts", kind: "number", cell: ({ attempts }) => attempts },
    { title: "What it took", kind: "wide", cell: ({ story }) => story.map(inWords).join("; ") },
    { title: "Read", cell: ({ updatedAt }) => (updatedAt === 0 ? "" : Words.moment(updatedAt, now)) }
  ])
