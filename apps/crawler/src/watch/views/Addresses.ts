/**
 * The addresses of views. Every number leads to what it counts.
 */
import type { Filter } from "../Filter.ts"
import { toQuery } from "../FilterQuery.ts"
import type { PlanView } from "../Model.ts"

const withQuery = (path: string, query: string): string => (query === "" ? path : `${path}?${query}`)

export const items = (filter: Filter, after?: string): string =>
  withQuery("/items", [toQuery(filter), cursor("after", after)].filter((part) => part !== "").join("&"))

const cursor = (name: string, value: string | undefined): string =>
  value === undefined ? "" : new URLSearchParams({ [name]: value }).toString()

/** Half a character is in no address. */
const part = (text: string): string => encodeURIComponent(text.toWellFormed())

export const overview = (before?: string): string => withQuery("/", cursor("before", before))

export const hosts = (after: string, job?: string): string =>
  withQuery("/hosts", [cursor("job", job), cursor("after", after)].filter((part) => part !== "").join("&"))

/** A job, with those of its pages that a filter has: its own field of the job is in the path already. */
export const job = (id: string, { job: _, ...filter }: Filter = {}, after?: string): string =>
  withQuery(`/jobs/${part(id)}`, [toQuery(filter), cursor("after", after)].filter((part) => part !== "").join("&"))

export const item = ({ id, jobId }: { readonly id: string; readonly jobId: string }): string =>
  `/jobs/${part(jobId)}/items/${part(id)}`

export const incident = (key: string): string => withQuery("/incidents", cursor("key", key))

export const plan = (action: PlanView["action"], filter: Filter): string =>
  withQuery("/plan", [`action=${action}`, toQuery(filter)].filter((part) => part !== "").join("&"))

export const signIn = (to: string): string => withQuery("/sign-in", cursor("to", to))

/** An address of strangers as a link's target; nothing that is not on the web. */
export const outside = (url: string): string | undefined => {
  try {
    const { href, protocol } = new URL(url)
    return protocol === "http:" || protocol === "https:" ? href : undefined
  } catch {
    return undefined
  }
}
