/**
 * One page: what became of it, why, who acts, and every attempt.
 */
import type { Frame, ItemView } from "../Model.ts"
import { nextStep } from "./Actors.ts"
import { plan } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import * as Addresses from "./Addresses.ts"
import { ago, codes, foreign, outside, state } from "./Text.ts"
import { attemptTable, timeLine } from "./TimeLine.ts"
import { next, whyOf } from "./Waiting.ts"
import * as Words from "./Words.ts"

export const itemView = (shown: ItemView, frame: Frame): Node => {
  const { item } = shown
  return html`<main id="main">
    <h1>${state(item.status)} ${outside(item.url)}</h1>
    <p class="lead">
      A page of <a href=${Addresses.job(shown.job.id)}>job ${foreign(shown.job.url, 60)}</a>, at depth ${item.depth};
      changed ${" "}${ago(item.updatedAt, frame.now)}.
    </p>
    <dl class="facts">${facts(shown, frame)}</dl>
    ${actions(shown, frame)}
    ${
      item.story.length > 0 &&
      html`<section>
        <h2>Attempts and waits</h2>
        ${timeLine([item], frame.now)} ${attemptTable(item.story, frame.now)}
      </section>`
    }
  </main>`
}

const fact = (name: string, value: Child): Node | false =>
  value !== "" &&
  value !== false &&
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`

const facts = ({ item, landedUrl, meaning, referredUrl, texts }: ItemView, { now }: Frame): Child => {
  const { failure, nextAt } = item
  return [
    fact("Goes again", item.status === "waiting" && html`<span>${next(nextAt, now)}: ${whyOf(item)}</span>`),
    fact("What failed", failure !== undefined && html`<span>${meaning} ${codes(failure.code, failure.detail)}</span>`),
    fact("Message", failure !== undefined && foreign(failure.message, 400)),
    fact(
      "Given up because",
      failure !== undefined && (Words.becauses[failure.because] ?? Words.visible(failure.because))
    ),
    fact("Who must act", failure !== undefined && `${Words.visible(failure.actor)}: ${nextStep(failure)}`),
    fact("Title", item.title !== "" && foreign(item.title, 300)),
    fact("HTTP status", item.pageStatus === 0 ? "no answer" : String(item.pageStatus)),
    fact("Attempts", String(item.attempts)),
    fact("Cost", Words.money(item.cost)),
    fact("Found on", referredUrl !== "" && outside(referredUrl)),
    fact("Landed on", landedUrl !== "" && landedUrl !== item.url && outside(landedUrl)),
    fact(
      "Text",
      texts.length > 0 && html`<span>${texts.flatMap(([format, href]) => [textLink(format, href), " "])}</span>`
    )
  ]
}

/** A link of the service itself; anything else is not one. */
const textLink = (format: string, href: string): Child =>
  /^\/(?!\/)/.test(href) ? html`<a href=${href}>${format}</a>` : outside(href)

const actions = ({ item, job }: ItemView, frame: Frame): Node => {
  const { detail, code } = item.failure ?? {}
  const alike = {
    job: job.id,
    host: item.host,
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined || detail === "" ? {} : { detail })
  }
  return html`<div class="actions">
    ${item.status === "failed" && plan(frame, "redrive", { ...alike, status: "failed" }, "the pages of this host that failed alike")}
    ${code !== undefined && html`<a class="button" href=${Addresses.items(alike)}>Show those that failed alike</a>`}
    ${plan(frame, "pause", { host: item.host }, "the host")}
  </div>`
}
