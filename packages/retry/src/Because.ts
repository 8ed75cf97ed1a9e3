/**
 * Why a call or an item of a redrive ended without a success: one word for each reason.
 *
 * The same word is the `because` of an error, event or item, the tag of a `reason`, the label of a metric, and part of the texts.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Every reason. `meanings` says what each means and what to do.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Because = /*#__PURE__*/ Schema.Literals([
  "permanent",
  "parked",
  "parked_too_long",
  "retries",
  "nested",
  "deadline",
  "retry_after_too_long",
  "ambiguous",
  "not_replayable",
  "budget",
  "breaker",
  "bulkhead",
  "rate_limit",
  "spend",
  "interrupted"
])

/**
 * Any reason why a call or an item ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Because = typeof Because.Type

/**
 * The reasons that follow from the policy, the call's state and its failure, as `CallState.next` gives them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Decided = /*#__PURE__*/ Because.pick([
  "permanent",
  "parked",
  "retries",
  "nested",
  "deadline",
  "retry_after_too_long",
  "ambiguous",
  "not_replayable"
])

/**
 * A reason that `CallState.next` gives.
 *
 * @category models
 * @since 0.1.0
 */
export type Decided = typeof Decided.Type

/**
 * The reasons for refusing a call, as `RetryExhausted.Refused` has them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Refused = /*#__PURE__*/ Because.pick(["parked", "breaker", "bulkhead", "rate_limit", "deadline"])

/**
 * A reason for refusing a call.
 *
 * @category models
 * @since 0.1.0
 */
export type Refused = typeof Refused.Type

/**
 * The reasons for giving up a call, as `RetryExhausted` has them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const GivenUp = /*#__PURE__*/ Schema.Literals([
  .../*#__PURE__*/ Decided.literals,
  "parked_too_long",
  "budget",
  "breaker",
  "bulkhead",
  "rate_limit"
])

/**
 * A reason for giving up a call.
 *
 * @category models
 * @since 0.1.0
 */
export type GivenUp = typeof GivenUp.Type

/**
 * The reasons for leaving an item out of further rounds, as `Redrive.Final` has them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Final = /*#__PURE__*/ Schema.Literals([.../*#__PURE__*/ Decided.literals, "spend", "interrupted"])

/**
 * A reason for leaving an item out of further rounds.
 *
 * @category models
 * @since 0.1.0
 */
export type Final = typeof Final.Type

/**
 * What a reason means, and what to do about it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Meaning {
  /** What happened. */
  readonly means: string
  /** What to do. */
  readonly toDo: string
}

/**
 * The meaning of every reason, for runbooks and dashboards.
 *
 * @category formatting
 * @since 0.1.0
 */
export const meanings: { readonly [Reason in Because]: Meaning } = {
  permanent: {
    means: "The verdict is permanent, or an override gives the code up.",
    toDo: "Correct the request. Sending it again changes nothing."
  },
  parked: {
    means: "A person must act first, and the policy has no `parking`.",
    toDo: "Do what `until` names, such as a top-up, then send the call again."
  },
  parked_too_long: {
    means: "The call waited at its gate for `parking.maximum`, and nobody acted.",
    toDo: "Do what `until` names, then `resume` the key and send the call again."
  },
  retries: {
    means: "Every attempt failed, and no retry is left.",
    toDo: "Look at `failure`. Send the call again later, or redrive the item."
  },
  nested: {
    means: "The call runs within a call that retries, so it tried once.",
    toDo: 'Nothing: the outer call decides. Use `nested: "retry"` if both are to retry.'
  },
  deadline: {
    means: "The deadline passed, or the next wait would not end before it.",
    toDo: "Send the call again at `retryAt`. If this is frequent, compare the deadline with the attempts' durations."
  },
  retry_after_too_long: {
    means: "The other side asked for a longer wait than `maxRetryAfter`.",
    toDo: "Send the call again at `retryAt`, or raise `maxRetryAfter`."
  },
  ambiguous: {
    means: "A creation may have happened, so sending it again could create it twice.",
    toDo: "Find out if it happened before you send it again; `reconcile` does so by itself."
  },
  not_replayable: {
    means: "The call cannot be sent a second time, such as a request whose body is a stream.",
    toDo: "Make the request anew, or give it a body that can be read twice."
  },
  budget: {
    means: "Too many calls are failing, and the retry budget is spent.",
    toDo: "Look at the other side. The budget refills by itself."
  },
  breaker: {
    means: "The breaker of the key is open.",
    toDo: "Look at the other side. The breaker lets a probe through at `retryAt`."
  },
  bulkhead: {
    means: "All places are taken and the queue is full, or the deadline passed in the queue.",
    toDo: "Send the call later. If this is frequent, raise `concurrent` or `queue`, or find the slow calls."
  },
  rate_limit: {
    means: "The call's turn would come later than `maximumWait`.",
    toDo: "Send the call at `retryAt`."
  },
  spend: {
    means: "Sending the item again would cost more than is left.",
    toDo: "Raise `spend.limit`, or leave the item."
  },
  interrupted: {
    means: "The item was interrupted while it ran.",
    toDo: "Redrive the item when the program runs again."
  }
}
