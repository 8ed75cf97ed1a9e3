/**
 * What every view is within: the way to the others, whether the view is live, and who has signed in.
 */
import type { Shown } from "../Model.ts"
import { accountsView } from "./Accounts.ts"
import { act } from "./Forms.ts"
import { html } from "./html.ts"
import type { Node } from "./html.ts"
import * as Links from "./Links.ts"
import { overview } from "./Overview.ts"
import * as Words from "./Words.ts"

const places = [
  ["/", "Overview"],
  ["/items", "Pages"],
  ["/hosts", "Hosts"],
  ["/accounts", "Accounts"],
  ["/incidents", "Incidents"],
  ["/policy", "Policy"]
] as const

const placeOf = (view: Shown["view"]): string =>
  ({
    overview: "/",
    job: "/",
    items: "/items",
    item: "/items",
    hosts: "/hosts",
    accounts: "/accounts",
    incidents: "/incidents",
    policy: "/policy",
    plan: "",
    "sign in": "",
    problem: ""
  })[view]

/** The view itself. */
const main = (shown: Shown): Node => {
  switch (shown.view) {
    case "overview":
      return overview(shown, shown.frame)
    case "accounts":
      return accountsView(shown, shown.frame)
    default:
      return html`<main id="main"></main>`
  }
}

/** A whole page. `live` says in words whether it is; without it nothing is said, as where no script runs. `at` is its own address. */
export const page = (shown: Shown, live = ""): Node =>
  html`<div>
    <a class="skip" href="#main">To the content</a>
    <header>
      <span class="name">Crawl service</span>
      <nav aria-label="Views">
        ${places.map(
          ([href, name]) =>
            html`<a href=${href} aria-current=${href === placeOf(shown.view) ? "page" : undefined}>${name}</a>`
        )}
      </nav>
      <span class="live">
        <span role="status">${live}</span>
        <span class="quiet">
          as of <time datetime=${Words.iso(shown.frame.now)}>${Words.clock(shown.frame.now)}</time> UTC</span
        >
      </span>
      ${
        shown.frame.mayAct
          ? act(shown.frame, "/sign-out", {}, html`<button>Sign out</button>`)
          : shown.view !== "sign in" && html`<a href=${Links.signIn("/")}>Sign in to act</a>`
      }
    </header>
    ${main(shown)}
  </div>`

/** The title of the document. */
export const titleOf = (shown: Shown): string => `${shown.view} – Crawl service`
