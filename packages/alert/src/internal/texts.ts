import * as Plain from "@redrive/core/Plain"
import * as DateTime from "effect/DateTime"
import type { Alert } from "../Alert.ts"

/** A text of at most so many characters; one that was longer says so. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${Plain.cut(text, most - 1)}…`

/** The facts of an alert besides its title, by name, in the order in which people read them. Unknown ones are left out. */
export const factsOf = (alert: Alert): ReadonlyArray<readonly [name: string, value: string]> => {
  const { actor, at, count, firstAt, incident, jobIds, lastAt, nextAt, route, total, urls } = alert
  const facts: ReadonlyArray<readonly [string, string | undefined]> = [
    ["Failures", count === total ? String(total) : `${count} more, ${total} in all`],
    ["First", DateTime.formatIso(firstAt)],
    ["Last", DateTime.formatIso(lastAt)],
    ["Next attempt", nextAt === undefined ? undefined : DateTime.formatIso(nextAt)],
    ["Who acts", actor],
    ["Pages", urls.length === 0 ? undefined : urls.join("\n")],
    ["Jobs", jobIds.length === 0 ? undefined : jobIds.join(", ")],
    ["Route", route],
    ["Incident", incident],
    ["Told", DateTime.formatIso(at)]
  ]
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}
