/**
 * The top of a report: what became of the crawl, when and by what it was written, how much it covers, and its policy.
 */
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { lasted, progress } from "../../watch/views/Jobs.ts"
import { policyLines, simulated } from "../../watch/views/Policy.ts"
import { codes, foreign, outside, state } from "../../watch/views/Text.ts"
import * as Words from "../../watch/views/Words.ts"
import type { Fitted } from "../Fit.ts"

export const head = (shown: Fitted): Node => {
  const { counts, coverage, isCut, job, now } = shown
  return html`<section>
    <h1>Crawl of ${isCut ? foreign(job.url, 160) : outside(job.url)}</h1>
    <p class="lead">${sentence(shown)}</p>
    ${notices(shown)} ${counts.found > 0 && progress(job)}
    <dl class="facts">
      ${fact("Written", html`<time datetime=${Words.iso(now)}>${dateOf(now)}</time>`)}
      ${fact("By", shown.program)}
      ${fact("Command", html`<code class="command">${Words.visible(shown.command)}</code>`)}
      ${fact("Crawled", crawled(shown))} ${coverage.map(([name, text]) => fact(name, foreign(text, 600)))}
      ${fact("Retries", retries(shown))}
    </dl>
  </section>`
}

/** `24 Nov 2026, 14:03:22 UTC`. */
const dateOf = (at: number): string => `${Words.day(at)} ${Words.iso(at).slice(0, 4)}, ${Words.clock(at)} UTC`

const fact = (name: string, value: Child): Node =>
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`

const sentence = ({ counts: { done, failed, found, left } }: Fitted): string => {
  if (found === 0) return "Nothing was crawled."
  const rest = left === 0 ? "" : `, ${Words.number(left)} ${left === 1 ? "was" : "were"} not fetched`
  return `${Words.number(done)} of ${Words.counted(found, "page")} ${done === 1 ? "was" : "were"} read, ${Words.number(failed)} failed${rest}.`
}

/** What whoever reads on must know: the crawl did not come to its end, or the report does not tell everything. */
const notices = ({ job: { error }, rest, stopped, told }: Fitted): Child => {
  const left = rest.failed + rest.open + rest.done
  return (
    stopped.length + left > 0 &&
    html`<ul class="notices">
      ${error !== undefined && html`<li>${state("error", "The job ended early:")} ${foreign(error.message, 300)} ${codes(error.code)}</li>`}
      ${stopped.map((text) => html`<li>${state("cancelled", "Not complete:")} ${foreign(text, 400)}</li>`)}
      ${
        left > 0 &&
        html`<li>
          ${state("open", "Not everything is told:")} this file has ${Words.number(told.failed.length)} of the ${Words.counted(told.failed.length + rest.failed, "failed page")} and ${Words.number(told.done.length)} of the ${Words.number(told.done.length + rest.done)} that were read. <a href="#rest">The others are counted</a>.
        </li>`
      }
    </ul>`
  )
}

const crawled = ({ job, now }: Fitted): string =>
  job.id === ""
    ? "no job was created"
    : `${dateOf(job.createdAt)}, for ${lasted(job, now)}; job ${Words.visible(job.id)}, ${Words.money(job.spent)}`

const retries = ({ counts: { retries, rounds, savedByRedrive, savedByRetry } }: Fitted): string =>
  `${Words.number(retries)} spent; ${Words.counted(savedByRetry, "page")} saved by them, ${Words.number(savedByRedrive)} by ${Words.counted(rounds, "further round")}`

export const policy = ({ policy: { pages, rounds } }: Fitted): Node =>
  html`<section id="policy">
    <h2>The policy in force</h2>
    ${
      pages === undefined
        ? html`<p>The service at <code>--api</code> tries each page by its own policy, and does not tell it.</p>`
        : policyLines(pages.policy)
    }
    ${rounds.length > 0 && html`<h3>further rounds</h3>`} ${rounds.length > 0 && policyLines(rounds)}
    ${
      pages !== undefined &&
      html`<details>
        <summary>An outage, simulated with it</summary>
        ${simulated(pages)}
      </details>`
    }
  </section>`
