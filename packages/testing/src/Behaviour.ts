/**
 * What one page of a hostile site does, and what a client should make of it.
 *
 * @since 0.1.0
 */
import type * as CrawlCatalogue from "@redrive/core/CrawlCatalogue"

/**
 * What a page does to its client: nothing bad, or the code and detail of the item error that it means.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome =
  | "ok"
  | {
      readonly [Code in CrawlCatalogue.ItemCode]: {
        readonly code: Code
        readonly detail: CrawlCatalogue.ItemDetail<Code>
      }
    }[CrawlCatalogue.ItemCode]

/**
 * One row of the table: `path` as a request has it, the `outcome` of a first visit, and whether a later visit can succeed.
 *
 * A client needs a time limit shorter than `delay` to see a `response_timeout`. Outcomes are those of a client that follows
 * redirects and takes every body: one that bounds size, type or where it goes sees more failures.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour {
  readonly path: string
  readonly name: string
  readonly summary: string
  readonly outcome: Outcome
  readonly transient: boolean
}
