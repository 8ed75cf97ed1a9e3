import type * as Duration from "effect/Duration"
import type * as Catalogue from "../Catalogue.ts"
import { catalogue, type ItemDetail } from "../CrawlCatalogue.ts"

/** The facts of a page's answer. */
interface Page {
  readonly status?: number
  readonly retryAfter?: Duration.Duration
}

type HostDetail = ItemDetail<"host_returned_error">

/** The details of the statuses that a row lists. */
const listed = new Map(
  Object.entries(catalogue.item.host_returned_error.details as Catalogue.Entry["details"]).flatMap(
    ([detail, { pages = [] }]) => pages.map((status) => [status, detail as HostDetail] as const)
  )
)

/** The detail of a status; of one that no row lists, by its first digit. */
export const detailOfStatus = ({ status = 0 }: Page): HostDetail | undefined => {
  const detail = listed.get(status)
  if (detail !== undefined) return detail
  if (status === 0) return undefined
  if (status >= 300 && status < 400) return "unfollowed_redirect"
  if (status >= 400 && status < 500) return "client_error"
  return status >= 500 && status < 600 ? "server_error" : "odd_status"
}

/** The detail of a page that keeps the crawler out. A 403 with a wait is a rate limit. */
export const detailOfDenial = ({ retryAfter, status }: Page): ItemDetail<"website_access_denied"> | undefined => {
  if (status !== 403) return undefined
  return retryAfter === undefined ? "forbidden" : "rate_limited"
}
