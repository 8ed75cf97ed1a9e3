/**
 * Incidents: which are open, who was told what, and why.
 */
import type { Frame, IncidentLine, IncidentsView, SilenceLine } from "../Model.ts"
import { plan } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import * as Addresses from "./Addresses.ts"
import { picture } from "./Picture.ts"
import { table } from "./Table.ts"
import { codes, foreign, state, time } from "./Text.ts"
import * as Words from "./Words.ts"

export const incidentsView = (shown: IncidentsView, frame: Frame): Node => {
  const { explained, incidents, silences, sinks } = shown
  const open = incidents.filter(({ isOpen }) => isOpen)
  const over = incidents.filter(({ isOpen }) => !isOpen)
  return html`<main id="main">
    <h1>
      ${open.length === 0 ? "No incident is open" : open.length === 1 ? "1 incident is open" : `${open.length} incidents are open`}
    </h1>
    <p class="lead">
      ${
        sinks.length === 0
          ? html`Only this page tells of them: the service was started without <code>--alert-webhook</code> and <code>--alertmanager</code>.`
          : `Told: ${sinks.map(Words.visible).join(", ")}, and this page.`
      }
    </p>
    ${
      explained !== undefined &&
      html`<section id="explained">
        <h2>Who was told of ${foreign(explained.key, 120)}, and why</h2>
        ${picture(explained.svg, `The course of ${explained.key}`)}
        <details>
          <summary>The same in words</summary>
          <ol class="lines">
            ${explained.lines.map((line) => html`<li>${foreign(line, 400)}</li>`)}
          </ol>
        </details>
      </section>`
    }
    ${
      open.length > 0 &&
      html`<section>
        <h2>Open</h2>
        ${incidentTable(open, frame)}
      </section>`
    }
    ${
      over.length > 0 &&
      html`<section>
        <h2>Over</h2>
        ${incidentTable(over, frame)}
      </section>`
    }
    ${
      silences.length > 0 &&
      html`<section>
        <h2>Silences</h2>
        ${silenceTable(silences, frame.now)}
      </section>`
    }
    ${incidents.length === 0 && html`<p class="calm">None has been opened. One opens when pages fail as a route of alerts says.</p>`}
  </main>`
}

const incidentTable = (incidents: ReadonlyArray<IncidentLine>, frame: Frame): Node =>
  table("Incidents", incidents, ({ key, since }) => `${key} ${since}`, [
    { title: "Status", cell: ({ isOpen }) => state(isOpen ? "open" : "resolved") },
    {
      title: "Incident",
      kind: "main",
      cell: ({ key, name }) =>
        html`<div>
          <a href=${`${Addresses.incident(key)}#explained`}>${foreign(name === "" ? key : name, 80)}</a>
          ${name !== "" && html`<div class="quiet">${foreign(key, 100)}</div>`}
        </div>`
    },
    { title: "Code", cell: ({ code }) => codes(code) },
    { title: "Severity", cell: ({ severity }) => Words.visible(severity) },
    { title: "Route", cell: ({ route }) => foreign(route, 40) },
    { title: "Failures", kind: "number", cell: ({ count }) => Words.number(count) },
    { title: "Since", cell: ({ since }) => time(since, frame.now) },
    { title: "Until", cell: ({ until }) => until !== undefined && time(until, frame.now) },
    { title: "Last decision", kind: "wide", cell: ({ last }) => foreign(last, 200) },
    { title: "", cell: ({ code, isOpen }) => isOpen && plan(frame, "silence", { code }) }
  ])

const silenceTable = (silences: ReadonlyArray<SilenceLine>, now: number): Node =>
  table("Silences", silences, ({ from, name }) => `${name} ${from}`, [
    { title: "Silence", kind: "main", cell: ({ name }) => foreign(name, 80) },
    { title: "About", kind: "wide", cell: ({ about }) => foreign(about, 160) },
    { title: "By", cell: ({ by }) => foreign(by, 40) },
    { title: "From", cell: ({ from }) => time(from, now) },
    { title: "Until", cell: ({ until }) => time(until, now) }
  ])
