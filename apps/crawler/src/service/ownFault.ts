import * as JobError from "@redrive/core/JobError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"

/** Tells the caller one sentence about a fault of ours, and the operator all of it. */
export const ownFault =
  (about: Pick<JobError.JobError, "operation" | "jobId">) =>
  <A, R>(self: Effect.Effect<A, unknown, R>): Effect.Effect<A, JobError.InternalError, R> =>
    Effect.catch(self, (cause) => {
      const reason = new JobError.InternalError({ cause })
      const error = new JobError.JobError({ ...about, reason })
      return Effect.andThen(ErrorReporter.report(Cause.fail(error)), reason)
    })
