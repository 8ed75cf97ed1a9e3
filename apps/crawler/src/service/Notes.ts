/**
 * Notes about pages, written beside the work on the pages. A note that cannot be written is no failure of its page: it is lost, and the log says so once
 * for each cause.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"

/** Writes a note, and comes back at once. */
export type Write = (note: Effect.Effect<void, SqlError>) => void

/** For how long a cause is not told again, in milliseconds. */
const quiet = 3_600_000

/** The most causes that are told in that time: a database may word one fault in many ways. */
const mostCauses = 20

export const make: Effect.Effect<Write, never, Scope.Scope> = Effect.gen(function* () {
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  /** When each cause was told. */
  const told = new Map<string, number>()

  const isNews = (cause: string, now: number): boolean => {
    for (const [name, at] of told) if (now - at >= quiet) told.delete(name)
    if (told.has(cause) || told.size >= mostCauses) return false
    told.set(cause, now)
    return true
  }
  const lost = Effect.fnUntraced(function* (cause: Cause.Cause<SqlError>) {
    // The service ends.
    if (Cause.hasInterruptsOnly(cause)) return
    if (isNews(String(Cause.squash(cause)), yield* Clock.currentTimeMillis))
      yield* Effect.logWarning(
        "pages wait, which could not be noted: until they go again they are shown as running",
        cause
      )
  })
  return (note) => void fork(Effect.catchCause(note, lost))
})
