/**
 * What happened to a page so far: its attempts, and the waits between them with their reasons.
 */
import * as Schema from "effect/Schema"

/** Why a page waits: by the policy's own delay, since the host said when to come back, or since the host is paused for all pages. */
export const Why = Schema.Literals(["backoff", "retry_after", "host_paused"])

export type Why = typeof Why.Type

/** One attempt. Times are epoch milliseconds, `ms` is how long it took. */
export const Attempt = Schema.Struct({
  at: Schema.Finite,
  ms: Schema.Finite,
  /** `held` asked for nothing: the host was paused. */
  end: Schema.Literals(["ok", "failed", "held"]),
  code: Schema.optionalKey(Schema.String),
  detail: Schema.optionalKey(Schema.String),
  /** The HTTP status of the answer, if there was one. */
  status: Schema.optionalKey(Schema.Finite),
  /** The wait after it, if another attempt follows or was to follow. */
  wait: Schema.optionalKey(Schema.Struct({ ms: Schema.Finite, why: Why }))
})

export type Attempt = typeof Attempt.Type

/** Oldest first. Empty for a page that was read at once: that is no story. */
export const Story = Schema.Array(Attempt)

export type Story = typeof Story.Type
