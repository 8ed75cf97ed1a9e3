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

/** The task of a delivery: a job has one when it ends, and one more each time that somebody asks for it again. */
const taskOf = (jobId: string, count: number): string => (count === 1 ? jobId : `${jobId} ${count}`)

/** Adds the delivery about a job, the first one or a later one, in the transaction of whoever calls. */
export const add = (delivery: Delivery, count: number) =>
  Effect.catchTag(Queue.add(queue, delivery, { id: taskOf(delivery.jobId, count) }), "SchemaError", Effect.die)

/** What became of a delivery, as the API answers it. */
export interface State {
  /** `pending`, `delivered` or `failed`; empty if there is none. */
  readonly status: string
  /** Why the last attempt failed; empty if it did not. */
  readonly error: string
}

/** A job without deliveries. */
const none: State = { status: "", error: "" }

/** What became of the last of the deliveries about a job. */
export const state = (jobId: string, count: number): Effect.Effect<State, Store.StoreError, Store.Store> =>
  Effect.map(count === 0 ? Effect.undefined : Queue.get(queue, taskOf(jobId, count)), (task) => {
    if (task === undefined) return none
    const status = task.state === "done" ? "delivered" : task.state === "failed" ? "failed" : "pending"
    return { status, error: task.state === "done" ? "" : task.message }
  })
