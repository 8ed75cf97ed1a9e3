/**
 * One item of a job failed; the job it belongs to may still succeed.
 *
 * An `ItemError` says where the failure happened (`url`, `itemId`, `jobId`) and carries one `reason`. Verdict, severity and messages come
 * from the catalogue. `Wire` has the wire format.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { catalogue, type ItemCode } from "./CrawlCatalogue.ts"
import * as Failure from "./Failure.ts"
import type { Facts } from "./internal/failure.ts"
import { detailOfDenial, detailOfStatus } from "./internal/pages.ts"

/**
 * The key that marks an `ItemError`.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = "~@redrive/core/ItemError"

const id = (name: string) => `@redrive/core/ItemError/${name}`

const is = <Code extends ItemCode>(code: Code, detail?: (self: Facts) => string | undefined) => ({
  catalogue,
  level: "item" as const,
  code,
  detail
})

/**
 * The page's status is not a success, or the site gave no usable answer (`status` 0; `detail` says why).
 *
 * @category reasons
 * @since 0.1.0
 */
export class HostReturnedError extends Failure.Reason<HostReturnedError>(id("HostReturnedError"))(
  "HostReturnedError",
  is("host_returned_error", detailOfStatus),
  {
    /** The HTTP status of the page, a success if only its body is of no use (`no_content`, `too_large`); 0 if the site gave no usable answer. */
    status: Schema.Int,
    /** How long the site asks to wait, in milliseconds when encoded. Default: absent, it does not ask. */
    retryAfter: Schema.optionalKey(Schema.DurationFromMillis)
  }
) {}

/**
 * The website keeps the crawler out: it answered 403, or its robots.txt disallows the page (`status` 0). A 403 with a wait (`retryAfter`)
 * is a rate limit.
 *
 * @category reasons
 * @since 0.1.0
 */
export class WebsiteAccessDenied extends Failure.Reason<WebsiteAccessDenied>(id("WebsiteAccessDenied"))(
  "WebsiteAccessDenied",
  is("website_access_denied", detailOfDenial),
  {
    /** The HTTP status of the page: 403, or 0 if robots.txt disallows the page. */
    status: Schema.Int,
    /** How long the site asks to wait, in milliseconds when encoded. Default: absent, it does not ask. */
    retryAfter: Schema.optionalKey(Schema.DurationFromMillis)
  }
) {}

/**
 * The host name did not resolve, or nothing answers at its address: a refused connection has this code too, as the crawl API has it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class NameNotResolved extends Failure.Reason<NameNotResolved>(id("NameNotResolved"))(
  "NameNotResolved",
  // The page's own text for this code is the only evidence that a decoded item has of a refused connection.
  is("name_not_resolved", ({ lastError }) => (lastError === "Connection refused" ? "connection_refused" : undefined))
) {}

/**
 * The service's own fault while it worked on the item; never the site's.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InternalError extends Failure.Reason<InternalError>(id("InternalError"))(
  "InternalError",
  is("internal_error")
) {}

export {
  /**
   * A code that the catalogue does not have, kept as it came.
   *
   * @category reasons
   * @since 0.1.0
   */
  Unrecognized
} from "./Failure.ts"

/**
 * One item failed. The reasons cover the catalogue's item codes, or this does not compile.
 *
 * @category errors
 * @since 0.1.0
 */
export class ItemError extends Failure.Item<ItemError>("@redrive/core/ItemError")(
  "ItemError",
  catalogue,
  [HostReturnedError, WebsiteAccessDenied, NameNotResolved, InternalError],
  { url: Schema.String }
) {
  readonly [TypeId] = TypeId
}

/**
 * The schema of the reason why an item failed: one class for each code, and `Unrecognized`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reason = ItemError.fields.reason

/**
 * The reason why an item failed: the four codes that are written, and `Unrecognized` for any other code that was read. Switch on its
 * `_tag`: the `code` of `Unrecognized` is any text.
 *
 * @category reasons
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Whether a value is an `ItemError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isItemError = (u: unknown): u is ItemError => Predicate.hasProperty(u, TypeId)
