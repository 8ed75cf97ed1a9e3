/**
 * The way in for whoever may act, and what is said where something is not there.
 */
import type { Frame, ProblemView, SignInView } from "../Model.ts"
import { act, field } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import { foreign, state } from "./Text.ts"

export const signInView = ({ to, wrong }: SignInView, frame: Frame): Node =>
  html`<main id="main">
    <h1>Sign in</h1>
    <p class="lead">With the operator's key, which <code>serve</code> printed when it started, or was given as <code>--operator-key</code>.</p>
    ${wrong !== undefined && html`<p role="alert">${state("failed", foreign(wrong, 200))}</p>`}
    ${act(
      frame,
      "/sign-in",
      { to },
      html`<div class="fields">
        ${field("Operator key", { name: "key", type: "password", required: true, autocomplete: "current-password" })}
        <button class="first">Sign in</button>
      </div>`
    )}
  </main>`

export const problemView = ({ advice, wrong }: ProblemView): Node =>
  html`<main id="main">
    <h1>${state("failed", foreign(wrong, 300))}</h1>
    <p class="lead">${foreign(advice, 600)}</p>
    <p><a href="/">To the overview</a></p>
  </main>`
