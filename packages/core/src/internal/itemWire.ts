import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Catalogue from "../Catalogue.ts"
import { catalogue } from "../CrawlCatalogue.ts"
import * as ItemError from "../ItemError.ts"
import * as Job from "../Job.ts"
import { foundDetail } from "./failure.ts"
import { trusted } from "./trusted.ts"
import { int, isoDate, list, maybe, orElse, same, snakeKeys, text } from "./jsonFields.ts"

/** A provider writes `canceled` for items and `cancelled` for jobs; both are read everywhere. */
export const Status = Schema.Literals(["new", "in_progress", "done", "error", "cancelled", "canceled"])

const meaningsOfCodes = Object.entries(catalogue.item)
  .map(([code, { meaning }]) => `${code}: ${meaning}`)
  .join(" ")

/** An item's fields by the API's names, which are written in snake case. */
export const itemFields = snakeKeys({
  id: same(Schema.String),
  jobId: text,
  originalUrl: text,
  referredUrl: text,
  depth: int,
  pageStatusCode: int,
  status: same(Status),
  title: text,
  lastError: text,
  errorCode: orElse(same(Schema.String.annotate({ description: meaningsOfCodes })), ""),
  cost: orElse(same(Schema.Finite), 0),
  rawContentUrl: text,
  cleanedContentUrl: text,
  markdownContentUrl: text,
  links: orElse(list(same(Schema.String)), []),
  createdAt: isoDate,
  updatedAt: isoDate,
  attempts: int,
  reason: maybe(same(Schema.String)),
  retryAfterMs: maybe(same(Schema.Finite))
})

type ItemJson = typeof itemFields.schema.Type

export const statusOf = (status: typeof Status.Type): Job.Status => (status === "canceled" ? "cancelled" : status)

/** Reads an item from its JSON. The status wins over the error code: only an item in `error` has an error. */
export const itemOf = (json: ItemJson): Job.Item => {
  const { createdAt, updatedAt } = json
  const status = statusOf(json.status)
  // Names one by one: a rest of the fields would be made slowly, as a table of hashes.
  return trusted(Job.Item, {
    id: json.id,
    jobId: json.jobId,
    url: json.originalUrl,
    referredUrl: json.referredUrl,
    depth: json.depth,
    status,
    pageStatus: json.pageStatusCode,
    title: json.title,
    cost: json.cost,
    attempts: json.attempts,
    links: json.links,
    rawContentUrl: json.rawContentUrl,
    cleanedContentUrl: json.cleanedContentUrl,
    markdownContentUrl: json.markdownContentUrl,
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(status === "error" ? { error: errorOf(json) } : {})
  })
}

const errorOf = (json: ItemJson): ItemError.ItemError =>
  new ItemError.ItemError({
    ...(json.jobId === "" ? {} : { jobId: json.jobId }),
    itemId: json.id,
    url: json.originalUrl,
    reason: readReason(json)
  })

/** The page's status, for providers that write it only in the text. */
const statusInText = /status code: (\d{3})$/

const readReason = (json: ItemJson): ItemError.Reason => {
  const status = json.pageStatusCode || Number(statusInText.exec(json.lastError)?.[1] ?? 0)
  const { code, detail } = meaningOf(json, status)
  return ItemError.ItemError.reasonOf(code, {
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(json.lastError === "" ? {} : { lastError: json.lastError }),
    ...(json.retryAfterMs === undefined ? {} : { retryAfter: Duration.millis(json.retryAfterMs) })
  })
}

/** A later code of the provider reads as its fallback. A status says more than the detail that comes with it. */
const meaningOf = (json: ItemJson, status: number): { readonly code: string; readonly detail: string | undefined } => {
  const { errorCode: code } = json
  const known = Object.hasOwn(catalogue.item, code) ? undefined : Catalogue.fallback(catalogue, "item", code)
  if (known === undefined) return { code, detail: json.reason }
  return { code: known.code, detail: json.reason ?? (status === 0 ? known.detail : undefined) }
}

/** Which codes are written: the closed set, or also those that the provider added to it. */
export type Codes = "closed" | "extended"

/** The JSON of an item; a code outside the closed set is the service's own fault, and stays visible as its `reason`. */
export const itemJson = ({ error, pageStatus, status, url, ...rest }: Job.Item, codes: Codes): ItemJson => ({
  ...rest,
  originalUrl: url,
  pageStatusCode: pageStatus,
  status: status === "cancelled" ? "canceled" : status,
  lastError: error?.lastError ?? "",
  errorCode: "",
  ...(error === undefined ? {} : errorJson(error.reason, codes))
})

const errorJson = (reason: ItemError.Reason, codes: Codes): Partial<ItemJson> => {
  if (reason._tag === "Unrecognized") return { errorCode: "internal_error", reason: reason.code }
  const { code, detail, row } = reason
  const wait = "retryAfter" in reason ? reason.retryAfter : undefined
  return {
    errorCode: (codes === "extended" ? row.extended : undefined) ?? code,
    // A detail that follows from the status is not written: every reader derives it.
    ...(detail === undefined || detail === foundDetail(reason) ? {} : { reason: detail }),
    ...(wait === undefined ? {} : { retryAfterMs: Duration.toMillis(wait) })
  }
}
