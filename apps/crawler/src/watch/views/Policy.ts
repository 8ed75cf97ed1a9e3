/**
 * The policy in force: in words, and how it fares in an outage.
 */
import type { PolicyView } from "../Model.ts"
import { html } from "./html.ts"
import type { Node } from "./html.ts"
import { picture } from "./Picture.ts"

export const policyView = ({ budget, policy, svg, table }: PolicyView): Node =>
  html`<main id="main">
    <h1>The policy in force</h1>
    <p class="lead">What the service does when a page fails.</p>
    <ul>
      ${policy.map((line) => html`<li>${line}</li>`)}
    </ul>
    ${budget !== undefined && html`<p>Left of the budget of retries now: ${Math.round(budget * 100) / 100}</p>`}
    <h2>An outage, simulated with it</h2>
    ${picture(svg, "Calls, their attempts and waits during an outage that is simulated; the table says the same in numbers")}
    ${table !== "" && html`<pre tabindex="0">${table}</pre>`}
  </main>`
