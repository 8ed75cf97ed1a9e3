import type { Entry } from "../Journal.ts"

const minute = 60_000

/** Decisions of one kind about one incident within a minute have one id. */
export const idOf = ({ at, decision, key, route, sinks, why }: Entry): string =>
  [route, key, decision, why, sinks.join(","), Math.floor(at / minute)].join("\n")
