import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Catalogue from "../Catalogue.ts"
import { catalogue } from "../CrawlCatalogue.ts"
import * as ItemError from "../ItemError.ts"
import * as Job from "../Job.ts"
import { int, maybe, moment, orElse, text } from "./lenient.ts"

/** A provider writes `canceled` for items and `cancelled` for jobs; both are read everywhere. */
export const Status = Schema.Literals(["new", "in_progress", "done", "error", "cancelled", "canceled"])

export const ItemJson = Schema.Struct({
  id: Schema.String,
  job_id: text,
  original_url: text,
  referred_url: text,
  depth: int,
  page_status_code: int,
  status: Status,
  title: text,
  last_error: text,
  error_code: text.annotate({
    description: Object.entries(catalogue.item)
      .map(([code, { meaning }]) => `${code}: ${meaning}`)
      .join(" ")
  }),
  cost: orElse(Schema.Finite, 0),
  raw_content_url: text,
  cleaned_content_url: text,
  markdown_content_url: text,
  links: orElse(Schema.Array(Schema.String), []),
  created_at: moment,
  updated_at: moment,
  attempts: int,
  reason: maybe(Schema.String),
  retry_after_ms: maybe(Schema.Finite)
})

type ItemJson = typeof ItemJson.Type

export const statusOf = (status: typeof Status.Type): Job.Status => (status === "canceled" ? "cancelled" : status)

/** The item that a JSON item means. Its status wins over its error code: what is not in error has none. */
export const itemOf = (json: ItemJson): Job.Item =>
  new Job.Item({
    id: json.id,
    jobId: json.job_id,
    url: json.original_url,
    referredUrl: json.referred_url,
    depth: json.depth,
    status: statusOf(json.status),
    pageStatus: json.page_status_code,
    title: json.title,
    cost: json.cost,
    attempts: json.attempts,
    links: json.links,
    rawContentUrl: json.raw_content_url,
    cleanedContentUrl: json.cleaned_content_url,
    markdownContentUrl: json.markdown_content_url,
    ...(json.created_at === undefined ? {} : { createdAt: json.created_at }),
    ...(json.updated_at === undefined ? {} : { updatedAt: json.updated_at }),
    ...(json.status === "error" ? { error: errorOf(json) } : {})
  })

const errorOf = (json: ItemJson): ItemError.ItemError =>
  new ItemError.ItemError({
    ...(json.job_id === "" ? {} : { jobId: json.job_id }),
    itemId: json.id,
    url: json.original_url,
    reason: reasonOf(json)
  })

/** The status a page answered, where a provider left it only in the text. */
const statusInText = /status code: (\d{3})$/

const reasonOf = (json: ItemJson): ItemError.Reason => {
  const status = json.page_status_code || Number(statusInText.exec(json.last_error)?.[1] ?? 0)
  const { code, detail } = meaningOf(json, status)
  const facts = {
    ...(detail === undefined ? {} : { detail }),
    ...(json.last_error === "" ? {} : { lastError: json.last_error })
  }
  switch (code) {
    case "host_returned_error": {
      const ms = json.retry_after_ms
      const wait = ms === undefined ? {} : { retryAfter: Duration.millis(ms) }
      return new ItemError.HostReturnedError({ status, ...wait, ...facts })
    }
    case "website_access_denied":
      return new ItemError.WebsiteAccessDenied({ status, ...facts })
    case "name_not_resolved":
      return new ItemError.NameNotResolved(facts)
    case "internal_error":
      return new ItemError.InternalError(facts)
    default:
      return new ItemError.Unrecognized({ code, status, ...facts })
  }
}

/** A later code of the provider's means its fallback; a status says more than the detail that comes with it. */
const meaningOf = (json: ItemJson, status: number): { readonly code: string; readonly detail: string | undefined } => {
  const known = Catalogue.fallback(catalogue, "item", json.error_code)
  if (known === undefined) return { code: json.error_code, detail: json.reason }
  return { code: known.code, detail: json.reason ?? (status === 0 ? known.detail : undefined) }
}

/** Which codes are written: the closed set, or also those that the provider added to it. */
export type Codes = "closed" | "extended"

/** The JSON of an item; a code outside the closed set is the service's own fault, and stays visible as its `reason`. */
export const itemJson = (item: Job.Item, codes: Codes): ItemJson => ({
  id: item.id,
  job_id: item.jobId,
  original_url: item.url,
  referred_url: item.referredUrl,
  depth: item.depth,
  page_status_code: item.pageStatus,
  status: item.status === "cancelled" ? "canceled" : item.status,
  title: item.title,
  last_error: item.error?.lastError ?? "",
  error_code: "",
  cost: item.cost,
  raw_content_url: item.rawContentUrl,
  cleaned_content_url: item.cleanedContentUrl,
  markdown_content_url: item.markdownContentUrl,
  links: item.links,
  attempts: item.attempts,
  ...(item.createdAt === undefined ? {} : { created_at: item.createdAt }),
  ...(item.updatedAt === undefined ? {} : { updated_at: item.updatedAt }),
  ...(item.error === undefined ? {} : errorJson(item.error.reason, codes))
})

const errorJson = (reason: ItemError.Reason, codes: Codes): Partial<ItemJson> =>
  reason._tag === "Unrecognized"
    ? { error_code: "internal_error", reason: reason.code }
    : {
        error_code: (codes === "extended" ? reason.row.extended : undefined) ?? reason.code,
        ...(reason.detail === undefined ? {} : { reason: reason.detail }),
        ...("retryAfter" in reason && reason.retryAfter !== undefined
          ? { retry_after_ms: Duration.toMillis(reason.retryAfter) }
          : {})
      }
