/**
 * A client's failed call: how it was made to fail, and the result.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/**
 * `what` was done to a call, and the error that its client `threw`, or the answer that it `gave` if it does not throw for a status.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed {
  readonly what: string
  readonly threw?: unknown
  readonly gave?: { readonly status: number; readonly headers: object }
}

/**
 * Runs a call that must fail, and catches its error. A call that succeeds is a bug in the table.
 *
 * @category running
 * @since 0.1.0
 */
export const thrown = (what: string, call: () => Promise<unknown>): Effect.Effect<Failed> =>
  Effect.promise(async () => {
    try {
      await call()
    } catch (threw) {
      return { what, threw }
    }
    throw new Error(`${what}: the call went well`)
  })

/**
 * Runs a call of a client that returns an answer whatever its status.
 *
 * @category running
 * @since 0.1.0
 */
export const given = (
  what: string,
  call: () => Promise<{ readonly status: number; readonly headers: object }>
): Effect.Effect<Failed> =>
  Effect.promise(async () => {
    try {
      return { what, gave: await call() }
    } catch (threw) {
      return { what, threw }
    }
  })

/**
 * The timeout, in milliseconds, of a call that is meant to run into it.
 *
 * @category constants
 * @since 0.1.0
 */
export const brief = 1000

/**
 * The timeout, in milliseconds, of any other call: more than a busy machine needs.
 *
 * @category constants
 * @since 0.1.0
 */
export const ample = 30_000
