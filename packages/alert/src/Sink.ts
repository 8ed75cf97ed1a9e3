/**
 * Where alerts go: a webhook, or anything that can be told.
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { Alert } from "./Alert.ts"

/**
 * A delivery failed for good. `sink` names what failed, and `message` says how, without secrets.
 *
 * @category errors
 * @since 0.1.0
 */
export class SinkError extends Data.TaggedError("SinkError")<{
  readonly sink: string
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * Delivers alerts together. A delivery that fails is made again by the alerter, so a sink may receive an alert twice.
 *
 * @category services
 * @since 0.1.0
 */
export class Sink extends Context.Service<
  Sink,
  { readonly send: (alerts: Arr.NonEmptyReadonlyArray<Alert>) => Effect.Effect<void, SinkError> }
>()("@redrive/alert/Sink") {}
