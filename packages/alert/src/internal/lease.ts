import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { CallOf } from "../Incident.ts"
import { type Held, OutboxError } from "../Outbox.ts"

/** Who holds an outbox. The number changes with every sign of life. */
export interface Row {
  readonly owner: string
  readonly beat: number | bigint | string
  readonly calls: string
}

/** The row, wherever it is kept. What depends on its state is one step. */
export interface Store<E> {
  readonly read: Effect.Effect<Row | undefined, E>
  readonly begin: Effect.Effect<unknown, E>
  /** A sign of life of this process; `false` if it does not hold the outbox. */
  readonly beat: (calls: string) => Effect.Effect<boolean, E>
  /** Takes the outbox from an owner, if nothing was heard of that one since. */
  readonly seize: (from: Row) => Effect.Effect<boolean, E>
}

export interface Lease<E> {
  readonly interval: Duration.Duration
  readonly hold: (calls: ReadonlyArray<CallOf>) => Effect.Effect<Held, E>
}

/**
 * Holds an outbox by signs of life. Whoever waits for it measures with a clock of its own how long they have not changed, so that no clocks are
 * compared.
 */
export const make = <E>(self: string, time: Duration.Duration, store: Store<E>): Lease<E> => {
  let seen: { readonly row: Row; readonly at: number } | undefined
  let said: { readonly calls: string; readonly at: number } | undefined
  const isSame = (one: Row, other: Row) => one.owner === other.owner && String(one.beat) === String(other.beat)

  const hold = Effect.fnUntraced(function* (calls: ReadonlyArray<CallOf>) {
    let row = yield* store.read
    if (row === undefined) {
      yield* store.begin
      row = yield* store.read
    }
    const now = yield* Clock.currentTimeMillis
    if (row?.owner === self) {
      seen = undefined
      const text = JSON.stringify(calls)
      // Several signs of life fit into the time.
      if (said?.calls === text && now - said.at < Duration.toMillis(time) / 4) return { isHeld: true, calls: [] }
      said = { calls: text, at: now }
      return { isHeld: yield* store.beat(text), calls: [] }
    }
    if (row === undefined) return { isHeld: false, calls: [] }
    if (seen === undefined || !isSame(seen.row, row)) seen = { row, at: now }
    const isFree = row.owner === "" || now - seen.at >= Duration.toMillis(time)
    if (isFree && (yield* store.seize(row))) return { isHeld: true, calls: [] }
    return { isHeld: false, calls: callsIn(row.calls) }
  })
  return { interval: Duration.divideUnsafe(time, 10), hold }
}

const callsIn = (text: string): ReadonlyArray<CallOf> => {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.filter(isCall) : []
  } catch {
    return []
  }
}

const isCall = (value: unknown): value is CallOf =>
  Predicate.isObject(value) && typeof value["name"] === "string" && typeof value["key"] === "string"

export const takenOver = new OutboxError({ message: "another process holds the outbox", isTakenOver: true })

/** The error that an outbox fails with, whatever failed in it. */
export const errorOf = (message: string, cause: Cause.Cause<unknown>): OutboxError => {
  const error = Cause.findErrorOption(cause)
  return error._tag === "Some" && error.value === takenOver ? takenOver : new OutboxError({ message, cause })
}
