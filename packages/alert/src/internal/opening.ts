import * as Duration from "effect/Duration"
import type * as Route from "../Route.ts"

/** What opens an incident, in words; nothing if the first failure does. */
export const wordsOf = (opens: Route.Opening): string | undefined => {
  switch (opens._tag) {
    case "First":
      return undefined
    case "InARow":
      return opens.failures === 1 ? undefined : `${opens.failures} failures in a row`
    case "OutOf":
      return `${opens.failures} failures of the last ${opens.calls} calls`
    case "Within":
      return `${opens.failures} failures within ${Duration.format(opens.time)}`
    case "Share":
      return `${opens.share * 100} % of at least ${opens.minimum} calls within ${Duration.format(opens.time)}`
  }
}
