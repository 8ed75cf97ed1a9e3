/**
 * Which changes a view hears of.
 */
import type { Shown } from "../Model.ts"

/** The topic of the changes that a view shows; nothing if it stays as it is. */
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
