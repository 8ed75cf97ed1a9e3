/**
 * Gates: tasks of a key or a group wait while one is shut. A failure shuts them by its verdict, and a person by hand.
 *
 * A gate is one row with a time. It is looked at when a task is claimed, so that nothing has to run at that time to open it. A task behind a shut
 * gate makes no attempt, and its deadline does not come nearer.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type Gate, Store, type StoreError } from "./Store.ts"

/**
 * Until when a gate is shut, and why.
 *
 * @category options
 * @since 0.1.0
 */
export interface ShutOptions {
  /** Until when. Default: until somebody opens it. */
  readonly until?: DateTime.DateTime | undefined
  /** Why, for the list. Required. */
  readonly why: string
  /** Who shuts it. Required. */
  readonly by: string
}

/**
 * Shuts a gate. One that is shut for longer already stays so.
 *
 * @category running
 * @since 0.1.0
 */
export const shut = (gate: string, { by, until, why }: ShutOptions): Effect.Effect<void, StoreError, Store> =>
  Effect.flatMap(Store, (store) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) =>
      store.shut({ gate, until: until === undefined ? Infinity : DateTime.toEpochMillis(until), why, by, at })
    )
  )

/**
 * Opens a gate: its tasks are due as they were before. Gives whether it was shut.
 *
 * @category running
 * @since 0.1.0
 */
export const open = (gate: string): Effect.Effect<boolean, StoreError, Store> =>
  Effect.flatMap(Store, (store) => Effect.flatMap(Clock.currentTimeMillis, (now) => store.open(gate, now)))

/**
 * The gates that are shut, the first 1000.
 *
 * @category getters
 * @since 0.1.0
 */
export const list: Effect.Effect<ReadonlyArray<Gate>, StoreError, Store> = Effect.flatMap(Store, (store) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => store.gates(now))
)
