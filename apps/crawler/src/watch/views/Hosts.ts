/**
 * Hosts: how their pages fare, and whether they are paused.
 */
import type { Frame, HostLine, HostsView } from "../Model.ts"
import { plan } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import * as Addresses from "./Addresses.ts"
import { table } from "./Table.ts"
import { count, foreign, state } from "./Text.ts"
import { next, open } from "./Waiting.ts"
import * as Words from "./Words.ts"

export const hostTable = (frame: Frame, hosts: ReadonlyArray<HostLine>, job?: string): Node => {
  const of = (host: string) => (job === undefined ? { host } : { host, job })
  const number = (title: string, status: "done" | "failed" | "running" | "waiting") => ({
    title,
    kind: "number" as const,
    cell: (line: HostLine) => count(line[status], Addresses.items({ ...of(line.host), status }))
  })
  return table("Hosts", hosts, ({ host }) => host, [
    {
      title: "Host",
      kind: "main",
      cell: ({ host }) => html`<a href=${Addresses.items(of(host))}>${foreign(host, 60)}</a>`
    },
    number("Done", "done"),
    number("Failed", "failed"),
    number("Running", "running"),
    number("Waits", "waiting"),
    { title: "Pause", kind: "wide", cell: ({ pause }) => pauseCell(pause, frame.now) },
    {
      title: "",
      cell: ({ host, pause }) => (pause === undefined ? plan(frame, "pause", { host }) : open(frame, host))
    }
  ])
}

const pauseCell = (pause: HostLine["pause"], now: number): Child =>
  pause === undefined
    ? html`<span class="none">not paused</span>`
    : html`<div>
        ${state("paused")}${pause.until === undefined ? " until somebody opens it" : [" opens ", next(pause.until, now)]}
        <div class="quiet">${foreign(pause.why, 160)}, by ${foreign(pause.by, 40)}</div>
      </div>`

/** The way to the hosts that are not listed. */
export const nextHosts = (after: string | undefined, job?: string): Node | false =>
  after !== undefined && html`<p><a href=${Addresses.hosts(after, job)}>Next hosts</a></p>`

export const hostsView = ({ after, hosts, job }: HostsView, frame: Frame): Node => {
  const paused = hosts.filter(({ pause }) => pause !== undefined).length
  return html`<main id="main">
    <h1>${Words.counted(hosts.length, "host")}${after === undefined ? "" : " and more"}, ${paused} of them paused</h1>
    <p class="lead">
      ${job !== undefined && html`Of one <a href=${Addresses.job(job)}>job</a>. `}A paused host is asked for nothing. Its pages wait, and lose no attempt.
    </p>
    ${hosts.length === 0 ? html`<p class="calm">No host has been asked for a page yet.</p>` : hostTable(frame, hosts, job)}
    ${nextHosts(after, job)}
  </main>`
}
