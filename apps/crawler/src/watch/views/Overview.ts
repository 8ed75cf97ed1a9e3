/**
 * The first view: the state in one sentence, who must act, what still waits, then jobs.
 */
import type { Filter } from "../Filter.ts"
import type { Frame, IncidentLine, Overview } from "../Model.ts"
import { parkedLine, topUp } from "./Accounts.ts"
import { isYou } from "./Actors.ts"
import { actionTable } from "./Actions.ts"
import { failureTable } from "./Failures.ts"
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import { jobTable } from "./Jobs.ts"
import * as Addresses from "./Addresses.ts"
import { pace } from "./Pace.ts"
import { count, foreign, state, time } from "./Text.ts"
import { pauseTable, waitingTable } from "./Waiting.ts"
import * as Words from "./Words.ts"

export const overview = (shown: Overview, frame: Frame): Node =>
  shown.jobs.length === 0 && shown.actions.length === 0 && shown.before === undefined
    ? empty()
    : html`<main id="main">
        ${sentence(shown)} ${incidents(shown.incidents, frame)} ${mustAct(shown, frame)} ${waits(shown, frame)}
        <section>
          <h2>Jobs</h2>
          ${jobTable(shown.jobs, frame.now)}
          ${shown.before !== undefined && html`<p><a href=${Addresses.overview(shown.before)}>Older jobs</a></p>`}
        </section>
        ${totals(shown)}
        ${
          shown.actions.length > 0 &&
          html`<section>
            <h2>What people did</h2>
            ${actionTable(shown.actions, frame.now)}
            ${shown.isActionLeft && html`<p class="quiet">Earlier actions are in the log.</p>`}
          </section>`
        }
      </main>`

const ofStatus = (status: NonNullable<Filter["status"]>): string => Addresses.items({ status })

/** `2 jobs run; 41 pages failed, 12 wait. You must act on 3 things.` */
const sentence = ({ failures, parked, running, totals }: Overview): Node => {
  const things = parked.length + failures.filter(({ actor }) => isYou(actor)).length
  return html`<h1>
    ${running === 0 ? "No job runs" : running === 1 ? "1 job runs" : `${running} jobs run`};${" "}
    ${count(totals.failed, ofStatus("failed"), "page")} failed, ${count(totals.waiting, ofStatus("waiting"))}
    ${totals.waiting === 1 ? " waits" : " wait"}.${" "}
    ${things === 0 ? "Nothing needs you." : html`<a href="#act">You must act on ${Words.counted(things, "thing")}.</a>`}
  </h1>`
}

const incidents = (all: ReadonlyArray<IncidentLine>, { now }: Frame): Node | false => {
  const open = all.filter(({ isOpen }) => isOpen)
  return (
    open.length > 0 &&
    html`<ul class="notices">
      ${open.map(
        ({ count: failures, key, last, name, since }) =>
          html`<li key=${key}>
            ${state("open", "Incident open")}${" "}
            <a href=${Addresses.incident(key)}>${foreign(name === "" ? key : name, 60)}</a> since ${time(since, now)},${" "}
            ${Words.counted(failures, "failure")}. <span class="quiet">${foreign(last, 160)}</span>
          </li>`
      )}
    </ul>`
  )
}

const mustAct = ({ failures, parked }: Overview, frame: Frame): Node =>
  html`<section id="act">
    <h2>Who must act</h2>
    ${
      parked.length > 0 &&
      html`<section class="actor">
        <h3>caller <span class="quiet">whoever pays for the account</span></h3>
        <ul class="parked">
          ${parked.map(
            (account) =>
              html`<li key=${account.id}>${state("parked")} ${parkedLine(account)} ${topUp(frame, account)}</li>`
          )}
        </ul>
      </section>`
    }
    ${failures.length > 0 && failureTable(frame, failures)}
    ${parked.length === 0 && failures.length === 0 && html`<p class="calm">Nobody: no page failed.</p>`}
  </section>`

const waits = ({ pauses, totals, waiting }: Overview, frame: Frame): Node =>
  html`<section>
    <h2>What still waits</h2>
    ${pauses.length > 0 && pauseTable(frame, pauses)}
    ${
      waiting.length === 0
        ? html`<p class="calm">No page waits for another attempt.</p>`
        : waitingTable(waiting, frame.now)
    }
    ${
      totals.waiting > waiting.length &&
      html`<p><a href=${ofStatus("waiting")}>All ${Words.number(totals.waiting)} that wait</a></p>`
    }
  </section>`

const totals = ({ pace: minutes, totals }: Overview): Node =>
  html`<section>
    <h2>Pace</h2>
    ${pace(minutes)}
    <dl class="totals">
      ${(["running", "queued", "waiting", "done", "failed"] as const).map(
        (status) =>
          html`<div>
            <dt>${state(status)}</dt>
            <dd>${count(totals[status], ofStatus(status))}</dd>
          </div>`
      )}
      <div>
        <dt>spent</dt>
        <dd>${Words.money(totals.spent)}</dd>
      </div>
    </dl>
  </section>`

const command = [
  "curl -H 'authorization: Bearer local' -H 'content-type: application/json'",
  `-d '{"url": "https://example.com/", "items_limit": 20}' http://127.0.0.1:8080/v1/crawl`
].join(" \\\n  ")

const empty = (): Node =>
  html`<main id="main">
    <h1>Nothing has been crawled yet.</h1>
    <p class="lead">
      Create a job, and it is here within a second. The account <code>local</code> has the API key <code>local</code>,
      and money to try with.
    </p>
    <h2>From a terminal</h2>
    <pre tabindex="0">${command}</pre>
    <p class="quiet">Use the port that this page has.</p>
    <h2>From a program</h2>
    <p><a href="/docs">The API's documentation</a> explains every call.</p>
    <h2>What you see then</h2>
    <ul>
      <li>what failed, why, and who must act;</li>
      <li>which pages are tried again, when, and why they wait until then;</li>
      <li>how far each job is, and what it has cost.</li>
    </ul>
  </main>`
