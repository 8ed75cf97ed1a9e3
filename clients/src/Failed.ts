/**
 * A client's failed call: what was done to it, and what it threw or gave.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/**
 * What was done to a call, and what its client `threw`; a client that takes a status for no failure `gave` an answer.
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
 * Calls that go well although they should not are a mistake of the table.
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
 * The same of a client that gives an answer, whatever its status is.
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
 * Milliseconds that a call is given which is meant to be too late.
 *
 * @category constants
 * @since 0.1.0
 */
export const brief = 1000

/**
 * Milliseconds that any other call is given: more than a busy machine takes.
 *
 * @category constants
 * @since 0.1.0
 */
export const ample = 30_000
