/**
 * What failed, by who must act: what it means, and the next step.
 */
import type { Filter } from "../Filter.ts"
import type { Failures, Frame } from "../Model.ts"
import { actors, nextStep, people } from "./Actors.ts"
import { plan } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import { grouped } from "./Table.ts"
import type { Group } from "./Table.ts"
import { codes, count } from "./Text.ts"
import * as Words from "./Words.ts"

/** The failed pages of a row, within the pages that are looked at. */
const filterOf = (within: Filter, { actor, because, code, detail }: Failures): Filter => ({
  ...within,
  status: "failed",
  code,
  ...(detail === "" ? {} : { detail }),
  actor,
  ...(because === "" ? {} : { because })
})

/** Failures by who acts, those who read this first. */
const byActor = (failures: ReadonlyArray<Failures>): ReadonlyArray<Group<Failures>> => {
  const names = new Set<string>([...actors, ...failures.map(({ actor }) => actor)])
  return [...names].flatMap((name) => {
    const rows = failures.filter(({ actor }) => actor === name)
    const heading = html`<span>${capital(Words.visible(name))} <span class="quiet">${people[name]}</span></span>`
    return rows.length === 0 ? [] : [{ name, heading, rows }]
  })
}

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`

/** Whether pages are worth another try: as they are, or once somebody has taken the next step. */
const mayHelp = (row: Failures): boolean =>
  row.actor !== "nobody" && (row.because !== "permanent" || nextStep(row).includes("redrive"))

/** What failed, by who acts. */
export const failureTable = (frame: Frame, failures: ReadonlyArray<Failures>, within: Filter = {}): Node =>
  grouped(
    "Failed pages by who must act",
    byActor(failures),
    ({ because, code, detail }) => [code, detail, because].join(),
    [
      { title: "Pages", kind: "number", cell: (row) => count(row.count, (to) => to.items(filterOf(within, row))) },
      {
        title: "What failed",
        kind: "main",
        cell: (row) =>
          html`<div>
            ${row.meaning}
            <div>${codes(row.code, row.detail)}</div>
          </div>`
      },
      {
        title: "Given up because",
        kind: "full",
        cell: ({ because }) => html`<span title=${because}>${Words.becauses[because] ?? Words.visible(because)}</span>`
      },
      { title: "Hosts", kind: "number", cell: ({ hosts }) => Words.number(hosts) },
      { title: "Next step", kind: "wide", cell: nextStep },
      { title: "", cell: (row) => mayHelp(row) && plan(frame, "redrive", filterOf(within, row)) }
    ]
  )
