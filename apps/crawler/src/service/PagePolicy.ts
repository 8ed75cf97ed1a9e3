/**
 * How a page is tried unless `Service.layer` says otherwise: patient with a busy site, but never for longer than a caller would wait.
 */
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"

export const pagePolicy = RetryPolicy.make({
  retries: 3,
  maxRetryAfter: Duration.minutes(2),
  slow: { base: Duration.seconds(2), cap: Duration.seconds(10) }
})
