import type * as Duration from "effect/Duration"

/** An attempt's way to say that it must not be sent, since the one before it may have happened. */
export class NotAgain {
  readonly _tag = "NotAgain"
}

/** A refusal by a breaker or rate limit; `again` is the wait after which another try makes sense. */
export class Refusal {
  readonly _tag = "Refusal"
  readonly again: Duration.Duration | undefined

  constructor(again: Duration.Duration | undefined) {
    this.again = again
  }
}

export const isRefusal = (u: unknown): u is Refusal => u instanceof Refusal
