import type { Entry } from "../Journal.ts"

const minute = 60_000

/** Decisions of one kind about one incident within a minute have one id. */
const idOf = ({ at, decision, incident, key, route, sinks, why }: Entry): string =>
  [route, key, incident, decision, why, sinks.join(","), Math.floor(at / minute)].join("\n")

/** Adds a decision to others, of which the oldest makes room. */
export const note = (kept: Map<string, Entry>, entry: Entry, most: number): void => {
  const id = idOf(entry)
  const before = kept.get(id)
  kept.set(id, before === undefined ? entry : { ...before, count: before.count + entry.count })
  for (const oldest of kept.size > most ? kept.keys() : []) {
    kept.delete(oldest)
    break
  }
}
