/**
 * What the fields of a job and its items are, and a request that works, for OpenAPI. The codecs of `Wire` do without these sentences: most programs that use them serve no API.
 */
import * as Predicate from "effect/Predicate"

interface Docs {
  readonly [field: string]: string
}

const job: Docs = {
  id: "The id of the job.",
  job_id: "The id of the job, as some webhooks call it.",
  org_id: "The account that the job belongs to.",
  url: "The page that the crawl starts at.",
  scrape_type: "The main format of the pages' content.",
  output_formats: "Further formats of the pages' content.",
  whitelist_regexp: "Only links that match this regular expression are followed; empty for all.",
  blacklist_regexp: "No link that matches this regular expression is followed; empty for none.",
  allow_subdomains: "Whether links to subdomains of the start's host are followed.",
  items_limit: "The most pages to crawl.",
  max_depth: "The most links between the start and a page; absent for no limit.",
  respect_robots_txt: "Whether pages that the site's robots.txt forbids are left out.",
  created_at: "When the job was created, in ISO 8601.",
  updated_at: "When the job last changed, in ISO 8601.",
  finished_at: "When the job ended, in ISO 8601; null before that.",
  webhook_url: "Where the job is posted when it has ended; empty for nowhere.",
  webhook_status: "What became of that delivery: pending, delivered or failed; empty if there is none.",
  webhook_error: "Why the last attempt at that delivery failed; empty if it did not.",
  recommended_pull_delay_ms: "How long to wait before asking again, in milliseconds.",
  error_code: "Why the job failed to run; only if its status is error.",
  error_message: "The same in words, for people.",
  items_total: "How many items the job has, including those that this answer leaves out.",
  items_done: "How many of them were read.",
  items_failed: "How many of them failed.",
  job_items: "The pages of the job, in the order in which they were found.",
  status:
    "How far the job has come. A job whose items failed, even all of them, is done; error means that the job failed to run."
}

const item: Docs = {
  job_id: "The id of its job.",
  original_url: "The URL of the page.",
  referred_url: "The page that links to it; empty for the start.",
  depth: "The number of links between the start and the page.",
  page_status_code: "The HTTP status of the page; 0 if it gave no usable answer.",
  title: "The title of the page; empty if it has none.",
  last_error: "Why the item failed, in words for people; empty if it did not.",
  error_code: "The code of its failure; empty if it has not failed.",
  cost: "The price of the item in US dollars; 0 if it failed.",
  raw_content_url: "Where the page's HTML is; empty if this format was not asked for.",
  cleaned_content_url: "Where the page's cleaned content is; empty if this format was not asked for.",
  markdown_content_url: "Where the page's Markdown is; empty if this format was not asked for.",
  links: "The URLs that the page links to.",
  created_at: "When the item was created, in ISO 8601.",
  updated_at: "When the item last changed, in ISO 8601.",
  attempts: "How many fetches of the page ended, including the last one.",
  reason: "A detail of the error code, such as not_found.",
  retry_after_ms: "How long the site asked to wait, in milliseconds.",
  id: "The id of the item.",
  status: "How far the item has come."
}

/** Without an example, a page of documentation makes up a request with every field, which servers refuse. */
const requestExamples = [{ url: "https://example.com/", items_limit: 10 }]

/** Describes the fields of jobs and items, wherever they are in an OpenAPI document, and gives requests for a crawl an example. */
export const document = (spec: object): object =>
  Object.fromEntries(Object.entries(spec).map(([name, part]) => [name, documented(part)]))

const documented = (part: unknown): unknown => {
  if (Array.isArray(part)) return part.map(documented)
  if (!Predicate.isObject(part)) return part
  const copy = document(part)
  const fields = Predicate.hasProperty(copy, "properties") ? copy.properties : undefined
  const docs = docsOf(fields)
  if (docs === undefined && Predicate.hasProperty(fields, "items_limit")) return { ...copy, examples: requestExamples }
  return docs === undefined ? copy : { ...copy, properties: described(Object(fields), docs) }
}

/** Each of the two has a field that nothing else has. */
const docsOf = (fields: unknown): Docs | undefined => {
  if (Predicate.hasProperty(fields, "job_items")) return job
  return Predicate.hasProperty(fields, "original_url") ? item : undefined
}

const described = (fields: object, docs: Docs): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, { ...field, description: docs[name] ?? field.description }])
  )
