/**
 * What a call does to the other side, and whether a failed call may have done it.
 *
 * A `create` that was sent and then failed may have happened, and would happen twice if it were sent again. An `idempotent` write may be
 * sent again, since it has the same effect as one write, but not twice at once. A `poll` asks about work under way, and a `read` changes
 * nothing: both are safe, so a hedge may send them twice at once. The terms are those of RFC 9110, section 9.2.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Classify from "@redrive/core/Classify"

/**
 * What a call does to the other side: `create`, `idempotent`, `poll` or `read`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Operation = Schema.Literals(["create", "idempotent", "poll", "read"])

/**
 * What a call does to the other side: `create`, `idempotent`, `poll` or `read`.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation = typeof Operation.Type

/**
 * Whether an operation is safe: it changes nothing on the other side, so it may be sent twice at once.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSafe = (self: Operation): boolean => self === "read" || self === "poll"

/**
 * Whether a creation that failed with this may have happened anyway.
 *
 * This is `Classify.isAmbiguous`: a failure's own `isAmbiguous` decides. Otherwise the creation did not happen if nothing was sent, or if it
 * was refused: by the `request` of its catalogue's row, or by a status in 400-498. After any other failure, such as a timeout or a 5xx, it may have happened. Never throws.
 *
 * A client that follows redirects, such as fetch, does not show that a redirect's target refused the connection after the first server had
 * carried out the request. Let creations follow no redirects (`redirect: "manual"`), or say which `url` was asked for.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAmbiguous = (failure: unknown, asked?: Classify.Asked): boolean => Classify.isAmbiguous(failure, asked)
