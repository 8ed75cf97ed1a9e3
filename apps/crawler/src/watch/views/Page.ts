/**
 * What every view is within: the way to the others, whether the view is live, and who has signed in.
 */
import type { Shown } from "../Model.ts"
import { act } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import * as Addresses from "./Addresses.ts"
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

/** A whole page. `live` says in words whether it is; without it nothing is said, as where no script runs. */
export const page = (shown: Shown, content: Child, live = ""): Node =>
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
        <span role="status">${live}</span>${" "}
        <span class="quiet">as of <time datetime=${Words.iso(shown.frame.now)}>${Words.clock(shown.frame.now)}</time> UTC</span>
      </span>
      ${
        shown.frame.mayAct
          ? act(shown.frame, "/sign-out", {}, html`<button>Sign out</button>`)
          : shown.view !== "sign in" && html`<a href=${Addresses.signIn("/")}>Sign in to act</a>`
      }
    </header>
    ${content}
  </div>`
