/**
 * Pages of a filter: the filter, what can be done with what it has, and the pages.
 */
import { inWords, nextInWords, statuses } from "../FilterQuery.ts"
import type { Filter } from "../Filter.ts"
import type { Frame, ItemLine, ItemList, ItemsView } from "../Model.ts"
import { actors } from "./Actors.ts"
import { failureTable } from "./Failures.ts"
import { choice, field, plan } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { link } from "./Link.ts"
import * as Addresses from "./Addresses.ts"
import { table } from "./Table.ts"
import { ago, codes, foreign, state } from "./Text.ts"
import { next, whyOf } from "./Waiting.ts"
import * as Words from "./Words.ts"

/** Within a job the filter stays on the job's own page. */
export const filterBar = (filter: Filter, job?: string): Node => {
  const input = (label: string, name: keyof Filter, type = "text") =>
    field(label, { name, type, defaultValue: filter[name] ?? "", autocomplete: "off", spellcheck: false })
  const any = ["", "any"] as const
  const options = (values: ReadonlyArray<string>) => [any, ...values.map((value) => [value, value] as const)]
  return html`<form role="search" class="fields filter" action=${job === undefined ? "/items" : Addresses.job(job)}>
    ${job === undefined && filter.job !== undefined && html`<input type="hidden" name="job" value=${filter.job} />`}
    ${input("Text in URL, title or message", "text", "search")}
    ${choice("Status", "status", filter.status, options(statuses))}
    ${choice("Who acts", "actor", filter.actor, options(actors))} ${input("Host", "host")} ${input("Code", "code")}
    ${input("Detail", "detail")}
    ${choice("Given up because", "because", filter.because, options(Object.keys(Words.becauses)))}
    ${choice("Next attempt", "next", filter.next, nextOptions(filter))}
    <div class="buttons">
      <button class="first">Show</button>
      <a class="button" href=${job === undefined ? "/items" : Addresses.job(job)}>Clear</a>
    </div>
  </form>`
}

const times = ["1m", "10m", "1h", "1d", "over-1m", "over-10m", "over-1h", "over-1d"]

/** The times that people ask for most, and the one that is asked for. */
const nextOptions = ({ next }: Filter): ReadonlyArray<readonly [value: string, text: string]> => {
  const all = next === undefined || times.includes(next) ? times : [next, ...times]
  return [["", "any"], ...all.map((time) => [time, nextInWords(time)] as const)]
}

/** What can be done with the pages of a filter. Those that wait by their next attempt have not failed, and nobody was told of them. */
export const filterActions = (frame: Frame, filter: Filter): Node | false => {
  const pause = plan(frame, "pause", filter, "their hosts")
  if (filter.next !== undefined) return filter.host !== undefined && html`<div class="actions">${pause}</div>`
  return html`<div class="actions">
    ${plan(frame, "redrive", { ...filter, status: "failed" }, "the failed ones")}
    ${pause} ${plan(frame, "silence", filter, "their alerts")}
  </div>`
}

/** The list, and the way to the rest of it. */
export const itemList = ({ after, items, looked }: ItemList, now: number, more: (after: string) => string): Node =>
  html`<div>
    ${
      items.length === 0
        ? html`<p class="calm">No page is like that${looked === undefined ? "" : " so far"}.</p>`
        : itemTable(items, now)
    }
    ${looked !== undefined && html`<p class="quiet">${Words.counted(looked, "page")} were looked at.</p>`}
    ${after !== undefined && html`<p><a href=${more(after)}>${looked === undefined ? "Next pages" : "Look at more pages"}</a></p>`}
  </div>`

const itemTable = (items: ReadonlyArray<ItemLine>, now: number): Node =>
  table("Pages", items, ({ id }) => id, [
    { title: "Status", cell: ({ status }) => state(status) },
    { title: "Page", kind: "main", cell: pageCell },
    { title: "HTTP", kind: "number", cell: ({ pageStatus }) => (pageStatus === 0 ? "" : pageStatus) },
    { title: "Why", kind: "wide", cell: whyCell },
    { title: "Attempts", kind: "number", cell: ({ attempts }) => attempts },
    { title: "Goes again", kind: "full", cell: ({ nextAt }) => next(nextAt, now) },
    { title: "Changed", kind: "number", cell: ({ updatedAt }) => ago(updatedAt, now) }
  ])

/** A page by its URL and title. */
export const pageCell = (item: ItemLine): Node =>
  html`<div>
    ${link((to) => to.item(item), foreign(item.url, 80))}
    ${item.title !== "" && html`<div class="quiet">${foreign(item.title, 100)}</div>`}
  </div>`

const whyCell = (item: ItemLine): Child => {
  const { failure, status } = item
  if (status === "waiting") return whyOf(item)
  if (failure === undefined) return ""
  const gaveUp = Words.becauses[failure.because] ?? Words.visible(failure.because)
  return html`<div>
    ${codes(failure.code, failure.detail)}
    <div class="quiet">${[gaveUp, Words.visible(failure.actor)].filter((part) => part !== "").join("; acts: ")}</div>
  </div>`
}

export const itemsView = ({ failures, list }: ItemsView, frame: Frame): Node => {
  const { count, filter } = list
  const words = Words.visible(inWords(filter, count === 1 ? "page" : "pages"))
  return html`<main id="main">
    <h1>${count === undefined ? `The ${words}` : `${Words.number(count)} ${words}`}</h1>
    ${filterBar(filter)} ${list.items.length > 0 && filterActions(frame, filter)}
    ${
      failures.length > 0 &&
      html`<section>
        <h2>Who must act</h2>
        ${failureTable(frame, failures, filter)}
      </section>`
    }
    <section>
      <h2>Pages</h2>
      ${itemList(list, frame.now, (after) => Addresses.items(filter, after))}
    </section>
  </main>`
}
