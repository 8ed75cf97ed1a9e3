/**
 * One job: how far it is, who must act, its pages on a time axis, its hosts and its pages.
 */
import { inWords } from "../FilterQuery.ts"
import type { Frame, JobView } from "../Model.ts"
import { failureTable } from "./Failures.ts"
import { plan } from "./Forms.ts"
import { hostTable, nextHosts } from "./Hosts.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { filterActions, filterBar, itemList } from "./Items.ts"
import { isRunning, jobTable, lasted, progress } from "./Jobs.ts"
import * as Addresses from "./Addresses.ts"
import { codes, count, foreign, outside, state, time } from "./Text.ts"
import { timeLine } from "./TimeLine.ts"
import * as Words from "./Words.ts"

export const jobView = (shown: JobView, frame: Frame): Node => {
  const { again, failures, hosts, items, job, moreHosts, stories, untold } = shown
  const { now } = frame
  const filter = { ...items.filter, job: job.id }
  return html`<main id="main">
    ${head(shown, frame)}
    ${section("Who must act", failures.length > 0 && failureTable(frame, failures, { job: job.id }))}
    ${section("Attempts and waits", timeLine(stories, now, untold))}
    ${section("Hosts", hosts.length > 0 && [hostTable(frame, hosts, job.id), nextHosts(moreHosts, job.id)])}
    ${section("Jobs that take its failed pages again", again.length > 0 && jobTable(again, now))}
    <section id="pages">
      <h2>Pages <span class="quiet">${pagesInWords(shown)}</span></h2>
      ${filterBar(items.filter, job.id)} ${items.items.length > 0 && filterActions(frame, filter)}
      ${itemList(items, now, (after) => Addresses.job(job.id, items.filter, after))}
    </section>
    ${section("What it was asked for", shown.request.length > 0 && request(shown))}
  </main>`
}

const section = (title: string, content: Child): Node | false =>
  content !== false &&
  html`<section>
    <h2>${title}</h2>
    ${content}
  </section>`

const pagesInWords = ({ items: { count: found, filter } }: JobView): string =>
  Words.visible(`${found === undefined ? "" : `${Words.number(found)} `}${inWords({ ...filter, job: "" })}`)

const head = ({ counts, job }: JobView, frame: Frame): Node => {
  const { account, againOf, createdAt, error, id, spent, total, url } = job
  return html`<div>
    <h1>Job of ${outside(url)}</h1>
    <p class="lead">
      ${state(error === undefined ? job.status : "error")} for ${lasted(job, frame.now)}, since ${time(createdAt, frame.now)}. It has cost ${Words.money(spent)}, which account <a href="/accounts">${foreign(account, 40)}</a> paid.
      ${againOf !== undefined && [" It takes failed pages of ", html`<a href=${Addresses.job(againOf)}>job ${foreign(againOf, 40)}</a>`, " again."]}
    </p>
    ${error !== undefined && html`<p>${state("error", "It ended early:")} ${foreign(error.message, 300)} ${codes(error.code)}</p>`}
    ${progress(job)}
    <dl class="totals">
      ${(["done", "failed", "waiting", "running", "queued", "cancelled"] as const).map(
        (status) =>
          html`<div>
            <dt>${state(status)}</dt>
            <dd>${count(counts[status], `${Addresses.job(id, { status })}#pages`)}</dd>
          </div>`
      )}
      <div>
        <dt>pages in all</dt>
        <dd>${count(total, Addresses.job(id))}</dd>
      </div>
    </dl>
    <div class="actions">
      ${counts.failed > 0 && plan(frame, "redrive", { job: id, status: "failed" }, "its failed pages")}
      ${isRunning(job) && plan(frame, "cancel", { job: id }, "the job")}
    </div>
  </div>`
}

const request = ({ job, request: asked }: JobView): Node =>
  html`<dl>
    <dt>id</dt>
    <dd><code>${job.id}</code></dd>
    ${asked.map(
      ([name, value]) =>
        html`<dt>${Words.visible(name)}</dt>
          <dd>${foreign(value, 400)}</dd>`
    )}
  </dl>`
