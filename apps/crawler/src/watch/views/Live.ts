/**
 * The views that stay live, which the browser draws too; the others are drawn by the server alone.
 */
import { inWords } from "../FilterQuery.ts"
import type { Shown } from "../Model.ts"
import { accountsView } from "./Accounts.ts"
import { hostsView } from "./Hosts.ts"
import type { Node } from "../../html.ts"
import { incidentsView } from "./Incidents.ts"
import { itemView } from "./Item.ts"
import { itemsView } from "./Items.ts"
import { jobView } from "./Job.ts"
import { overview } from "./Overview.ts"
import * as Words from "./Words.ts"

/** What a live view has between the frames; nothing for the others. */
export const liveView = (shown: Shown): Node | undefined => {
  const { frame } = shown
  switch (shown.view) {
    case "overview":
      return overview(shown, frame)
    case "job":
      return jobView(shown, frame)
    case "items":
      return itemsView(shown, frame)
    case "item":
      return itemView(shown, frame)
    case "hosts":
      return hostsView(shown, frame)
    case "accounts":
      return accountsView(shown, frame)
    case "incidents":
      return incidentsView(shown, frame)
    default:
      return undefined
  }
}

/** Of which changes a view hears; nothing if it stays as it is. */
export const topicOf = (shown: Shown): string | undefined => {
  switch (shown.view) {
    case "overview":
    case "hosts":
    case "accounts":
    case "incidents":
      return "overview"
    case "job":
    case "item":
      return `job:${shown.job.id}`
    case "items":
      return shown.list.filter.job === undefined ? "overview" : `job:${shown.list.filter.job}`
    default:
      return undefined
  }
}

/** The title of the document, by which a tab is found again. */
export const titleOf = (shown: Shown): string => `${Words.visible(subjectOf(shown))} – Crawl service`

const subjectOf = (shown: Shown): string => {
  switch (shown.view) {
    case "overview":
      return `${Words.number(shown.totals.failed)} failed, ${Words.number(shown.totals.waiting)} wait`
    case "job":
      return `Job of ${Words.cut(shown.job.url, 60)}`
    case "items":
      return Words.cut(inWords(shown.list.filter), 80)
    case "item":
      return Words.cut(shown.item.url, 80)
    case "plan":
      return `${shown.action}?`
    default:
      return shown.view
  }
}
