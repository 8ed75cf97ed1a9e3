/**
 * Which pages somebody looks at, or acts on. It is the query of a URL: whoever gets the link sees the same.
 */
import * as Schema from "effect/Schema"
import { isNext } from "./FilterQuery.ts"

/** `waiting` pages have failed and go again at a time that is known; `queued` ones have not begun. */
export const Status = Schema.Literals(["queued", "running", "waiting", "done", "failed", "cancelled"])

export type Status = typeof Status.Type

/** Every field narrows; a filter without fields has all pages. */
export const Filter = Schema.Struct({
  /** The id of a job. */
  job: Schema.optionalKey(Schema.String),
  status: Schema.optionalKey(Status),
  /** The code of the failure, such as `host_returned_error`. */
  code: Schema.optionalKey(Schema.String),
  /** Its detail, such as `not_found`. */
  detail: Schema.optionalKey(Schema.String),
  /** Who must act, such as `site owner`. */
  actor: Schema.optionalKey(Schema.String),
  /** Why the page was given up, such as `retries`. */
  because: Schema.optionalKey(Schema.String),
  /** The host of the page, with its port if it has one. */
  host: Schema.optionalKey(Schema.String),
  /** When a page that waits goes again: within a time (`10m`) or later (`over-1h`), in `s`, `m`, `h` or `d`. */
  next: Schema.optionalKey(Schema.String.check(Schema.isPattern(isNext))),
  /** A part of the URL, the title or the failure's message, whatever the case of its letters. */
  text: Schema.optionalKey(Schema.String)
})

export type Filter = typeof Filter.Type

export { fromQuery, inWords, ofAlerts, ofFailures, rangeOf, toQuery } from "./FilterQuery.ts"
