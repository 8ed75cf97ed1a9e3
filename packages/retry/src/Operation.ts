/**
 * What a call does to the other side, and whether a failed one may have done it.
 *
 * A `create` that was sent and then failed may have happened, and would happen twice if it were sent again. An `idempotent` write has the
 * same effect however often it is sent, but never twice at once. A `poll` asks about work that is under way and a `read` changes nothing:
 * both are safe, so a hedge may send them twice at once. The words are those of RFC 9110, section 9.2.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Classify from "@redrive/core/Classify"
import { isMarkedUnsent } from "./internal/unsent.ts"

/**
 * @category schemas
 * @since 0.1.0
 */
export const Operation = Schema.Literals(["create", "idempotent", "poll", "read"])

/**
 * @category models
 * @since 0.1.0
 */
export type Operation = typeof Operation.Type

/**
 * Whether an operation changes nothing on the other side, so that it may be sent twice at once.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSafe = (self: Operation): boolean => self === "read" || self === "poll"

/**
 * Whether a creation that failed like this may have happened all the same.
 *
 * A failure that says so itself (`isAmbiguous`) is believed. It did not happen where nothing was sent, or where it was refused: a
 * status in 400-499. Everything else, a time-out and a 5xx among it, may have. Never throws.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAmbiguous = (failure: unknown): boolean => !isMarkedUnsent(failure) && Classify.isAmbiguous(failure)
