/**
 * One item of a job failed; the job it belongs to may still succeed.
 *
 * An `ItemError` says where (`url`, `itemId`, `jobId`) and carries one `reason` that says what. Verdict, severity and messages
 * come from the catalogue. It is not the wire format: see `Wire`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Catalogue from "./Catalogue.ts"
import { catalogue, type ItemCode, type ItemDetail } from "./CrawlCatalogue.ts"
import { derive, type Facts, facts, type Reason as Base, textOf } from "./internal/reason.ts"
import { hostOf, withoutSecrets } from "./internal/url.ts"
import * as Verdict from "./Verdict.ts"

/**
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = "~@redrive/core/ItemError"

const hostReturned = catalogue.item.host_returned_error

/** Statuses that no row lists fall into their hundred's row. */
const detailOfStatus = ({ status = 0 }: Facts): ItemDetail<"host_returned_error"> | undefined => {
  const listed = Catalogue.detailOfPage(hostReturned, status)
  if (listed !== undefined) return listed as ItemDetail<"host_returned_error">
  if (status === 0) return undefined
  if (status >= 300 && status < 400) return "unfollowed_redirect"
  if (status >= 400 && status < 500) return "client_error"
  return status >= 500 && status < 600 ? "server_error" : "odd_status"
}

/**
 * The page's status is not a success, or the site gave no usable answer at all (`status` 0, `detail` says why).
 *
 * @category reasons
 * @since 0.1.0
 */
export class HostReturnedError extends Schema.TaggedError<HostReturnedError, Base<"host_returned_error">>(
  "@redrive/core/ItemError/HostReturnedError"
)("HostReturnedError", { status: Schema.Int, retryAfter: Schema.optionalKey(Schema.DurationFromMillis), ...facts }) {
  static {
    derive(this, "item", "host_returned_error", detailOfStatus)
  }
}

/**
 * The website keeps the crawler out: it answered 403, or its robots.txt says so (`status` 0).
 *
 * @category reasons
 * @since 0.1.0
 */
export class WebsiteAccessDenied extends Schema.TaggedError<WebsiteAccessDenied, Base<"website_access_denied">>(
  "@redrive/core/ItemError/WebsiteAccessDenied"
)("WebsiteAccessDenied", { status: Schema.Int, ...facts }) {
  static {
    derive(this, "item", "website_access_denied", (self) => (self.status === 403 ? "forbidden" : undefined))
  }
}

/**
 * The host name did not resolve, or nothing answers at its address.
 *
 * @category reasons
 * @since 0.1.0
 */
export class NameNotResolved extends Schema.TaggedError<NameNotResolved, Base<"name_not_resolved">>(
  "@redrive/core/ItemError/NameNotResolved"
)("NameNotResolved", facts) {
  static {
    // The page's own text for this code is the only evidence that a decoded item has of a refused connection.
    derive(this, "item", "name_not_resolved", (self) =>
      self.lastError === "Connection refused" ? "connection_refused" : undefined
    )
  }
}

/**
 * The service's own fault while it worked on the item; never the site's.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InternalError extends Schema.TaggedError<InternalError, Base<"internal_error">>(
  "@redrive/core/ItemError/InternalError"
)("InternalError", facts) {
  static {
    derive(this, "item", "internal_error")
  }
}

/**
 * A code that the catalogue does not have, kept as it came.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unrecognized extends Schema.TaggedError<Unrecognized, Omit<Base, "code">>(
  "@redrive/core/ItemError/Unrecognized"
)("Unrecognized", { code: Schema.String, status: Schema.optionalKey(Schema.Int), ...facts }) {
  static {
    derive(this, "item")
  }
}

/**
 * @category schemas
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  HostReturnedError,
  WebsiteAccessDenied,
  NameNotResolved,
  InternalError,
  Unrecognized
])

/**
 * What went wrong with an item: the four codes that are emitted, and `Unrecognized` for one that was only decoded.
 *
 * @category reasons
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

// A code without a reason class fails the type check here.
const everyCode: [ItemCode] extends [Exclude<Reason, Unrecognized>["code"]] ? true : never = true
void everyCode

/**
 * One item failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class ItemError extends Schema.TaggedError<ItemError>("@redrive/core/ItemError")("ItemError", {
  jobId: Schema.optionalKey(Schema.String),
  itemId: Schema.optionalKey(Schema.String),
  url: Schema.String,
  reason: Reason
}) {
  readonly [TypeId] = TypeId

  /** The reason, so that stack printers show it. */
  override readonly cause = this.reason

  /** The wire code, such as `host_returned_error`. */
  get code(): string {
    return this.reason.code
  }

  /** What the failure says about trying again. */
  get verdict(): Verdict.Verdict {
    return this.reason.verdict
  }

  /** Whether trying again without anybody's help may succeed. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }

  /** How long the site asked to wait, if it did. */
  get retryAfter(): Duration.Duration | undefined {
    return Verdict.retryAfter(this.verdict)
  }

  /** The page's text for people: what a provider said, else the catalogue's message with its facts. */
  get lastError(): string {
    const status = "status" in this.reason ? (this.reason.status ?? 0) : 0
    return textOf("item", this.reason, { status, host: hostOf(this.url) ?? this.url })
  }

  override get message(): string {
    return `${this.reason.message} at ${withoutSecrets(this.url)}`
  }

  override get [ErrorReporter.severity]() {
    return this.reason.row.severity
  }

  override get [ErrorReporter.attributes]() {
    const { code, itemId, jobId, reason, url } = this
    return {
      level: "item" as const,
      code,
      detail: reason.kind,
      actor: reason.row.actor,
      jobId,
      itemId,
      url: withoutSecrets(url),
      host: hostOf(url)
    }
  }
}

/**
 * Whether a value is an `ItemError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isItemError = (u: unknown): u is ItemError => Predicate.hasProperty(u, TypeId)
