/**
 * The policy in force: in words, and how it fares in an outage.
 */
import type { PolicyView } from "../Model.ts"
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import { picture } from "./Picture.ts"

export const policyView = (shown: PolicyView): Node =>
  html`<main id="main">
    <h1>The policy in force</h1>
    <p class="lead">What the service does when a page fails.</p>
    ${policyLines(shown.policy)}
    <h2>An outage, simulated with it</h2>
    ${simulated(shown)}
  </main>`

/** A policy in words, a line for each strategy. */
export const policyLines = (policy: PolicyView["policy"]): Node =>
  html`<ul>
    ${policy.map((line) => html`<li>${line}</li>`)}
  </ul>`

/** How it fares in an outage: the picture, and the same in numbers. */
export const simulated = ({ svg, table }: Pick<PolicyView, "svg" | "table">): Node =>
  html`<div>
    ${picture(svg, "Calls, their attempts and waits during an outage that is simulated; the table says the same in numbers")}
    ${table !== "" && html`<pre tabindex="0">${table}</pre>`}
  </div>`
