import type * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import * as Duration from "effect/Duration"
import type * as Engine from "./engine.ts"

/** Follows the policies that retry: as long as one does, nobody is told; when it takes too long, its incident knows. */
export interface Retries {
  readonly event: (event: Observer.Event, report: (error: unknown) => Report.Report, now: number) => void
}

/** No more calls are followed; of further ones people hear when they are given up. */
const most = 10_000

const callOf = ({ key = "", name }: { readonly name: string; readonly key?: string | undefined }) => ({ name, key })
const idOf = (event: Parameters<typeof callOf>[0]) => Object.values(callOf(event)).join("\n")

export const make = (engine: Engine.Engine, quietFor: number): Retries => {
  /** Since when calls of a name and key have been retried, with no success between. */
  const since = new Map<string, number>()

  return {
    event: (event, report, now) => {
      switch (event._tag) {
        case "RetryScheduled": {
          const id = idOf(event)
          const begun = since.get(id) ?? (since.size < most ? now : undefined)
          if (begun === undefined) return
          since.set(id, begun)
          const nextAt = now + Duration.toMillis(event.delay)
          // A report takes its time: most retries are over before anybody must hear of them.
          if (nextAt - begun >= quietFor)
            engine.retrying(report(event.error), { since: begun, nextAt }, callOf(event), now)
          return
        }
        case "GaveUp":
          if (since.delete(idOf(event))) engine.ended(callOf(event), now)
          return
        case "Recovered":
        case "Succeeded":
        case "BreakerClosed":
        case "Resumed":
          since.delete(idOf(event))
          engine.worked(callOf(event), now)
      }
    }
  }
}
