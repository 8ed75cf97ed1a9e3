/**
 * The behaviour of one page of a hostile site, and the outcome that a client should see.
 *
 * @since 0.1.0
 */
import type * as CrawlCatalogue from "@redrive/core/CrawlCatalogue"

/**
 * The outcome that a client should see: `ok`, or the code and detail of an item error.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome =
  | "ok"
  | {
      readonly [Code in CrawlCatalogue.ItemCode]: {
        /** The code of the item error. */
        readonly code: Code
        /** The detail that refines the code. */
        readonly detail: CrawlCatalogue.ItemDetail<Code>
      }
    }[CrawlCatalogue.ItemCode]

/**
 * One row of the table of behaviours.
 *
 * Outcomes are those of a client that follows redirects and accepts every body. A client that limits size, type or targets sees more
 * failures. To see a `response_timeout`, a client needs a timeout shorter than the site's `delay`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour {
  /** The path of the page, as a request has it. */
  readonly path: string
  /** A short name, such as `slow headers`. */
  readonly name: string
  /** What the page does, in a few words. */
  readonly summary: string
  /** The outcome of the first visit. */
  readonly outcome: Outcome
  /** Whether a later visit can succeed. */
  readonly isPassing: boolean
}
