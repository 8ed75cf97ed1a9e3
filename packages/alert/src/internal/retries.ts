import type * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import * as Duration from "effect/Duration"
import type * as Engine from "./engine.ts"

/** Follows the policies that retry: as long as one does, nobody is told; when it takes too long, its incident knows. */
export interface Retries {
  readonly event: (event: Observer.Event, report: (error: unknown) => Report.Report, now: number) => void
}

/** No more calls are followed: those that were retried the longest ago are forgotten. */
const most = 10_000

const callOf = ({ key = "", name }: { readonly name: string; readonly key?: string | undefined }) => ({ name, key })
const idOf = (event: Parameters<typeof callOf>[0]) => Object.values(callOf(event)).join("\n")

export const make = (ear: Engine.Ear, quietFor: number): Retries => {
  /** Calls of a name and key that are being retried: since when, with no success between, and when the last announced attempt is. */
  const known = new Map<string, { readonly since: number; readonly nextAt: number }>()

  return {
    event: (event, report, now) => {
      switch (event._tag) {
        case "RetryScheduled": {
          const id = idOf(event)
          const before = known.get(id)
          // A call that was interrupted says nothing: what is retried long after its last attempt was due is another one.
          const begun = before === undefined || now > before.nextAt + quietFor ? now : before.since
          const nextAt = now + Duration.toMillis(event.delay)
          known.delete(id)
          known.set(id, { since: begun, nextAt })
          for (const oldest of known.size > most ? known.keys() : []) {
            known.delete(oldest)
            break
          }
          // A report takes its time: most retries are over before anybody must hear of them.
          if (nextAt - begun >= quietFor)
            ear.retrying(report(event.error), { since: begun, nextAt }, callOf(event), now)
          return
        }
        case "GaveUp":
          if (known.delete(idOf(event))) ear.ended(callOf(event), now)
          return
        case "Recovered":
        case "Succeeded":
        case "BreakerClosed":
        case "Resumed":
          known.delete(idOf(event))
          ear.worked(callOf(event), now)
      }
    }
  }
}
