/**
 * The deliveries that tell whoever asked for a job that it has ended: tasks, so that neither a restart nor a receiver that is away loses one.
 */
import * as Queue from "@redrive/durable/Queue"
import type * as Store from "@redrive/durable/Store"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A day of patience: at first every few seconds, and then every half hour. */
const policy = RetryPolicy.make({
  retries: 50,
  operation: "idempotent",
  attemptTimeout: "15 seconds",
  maxRetryAfter: "1 day",
  quick: { kind: "exponential", base: "2 seconds", cap: "30 minutes" },
  steady: { kind: "exponential", base: "2 seconds", cap: "30 minutes" },
  slow: { kind: "exponential", base: "5 seconds", cap: "30 minutes" }
})

export const Delivery = Schema.Struct({
  accountId: Schema.String,
  jobId: Schema.String,
  url: Schema.String,
  /** The address of this service, as whoever asked for the job knows it. */
  origin: Schema.String
})

export type Delivery = typeof Delivery.Type

/** The deliveries. Those to one host wait together when it asks for that. */
export const queue = Queue.make({
  name: "webhooks",
  payload: Delivery,
  policy,
  key: ({ url }) => new URL(url).host
})

/** Adds the delivery about a job, in the transaction of whoever calls. */
export const add = (delivery: Delivery) =>
  Effect.catchTag(Queue.add(queue, delivery, { id: delivery.jobId }), "SchemaError", Effect.die)

/** What became of the delivery about a job, as the API answers it. */
export const state = (
  jobId: string
): Effect.Effect<{ readonly status: string; readonly error: string }, Store.StoreError, Store.Store> =>
  Effect.map(Queue.get(queue, jobId), (task) => {
    if (task === undefined) return { status: "", error: "" }
    const status = task.state === "done" ? "delivered" : task.state === "failed" ? "failed" : "pending"
    return { status, error: task.state === "done" ? "" : task.message }
  })
