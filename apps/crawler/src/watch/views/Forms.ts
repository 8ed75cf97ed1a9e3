/**
 * Forms and links of actions. They work without a script; whoever has not signed in gets the way to do so in their place.
 */
import type { Filter } from "../Filter.ts"
import type { Frame, PlanView } from "../Model.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { link } from "./Link.ts"
import * as Addresses from "./Addresses.ts"

/** A form that does something. `hidden` are its fields that nobody fills in. */
export const act = (
  { token }: Frame,
  to: string,
  hidden: { readonly [name: string]: string | undefined },
  content: Child
): Node =>
  html`<form method="post" action=${to} class="act">
    ${Object.entries({ token, ...hidden }).map(
      ([name, value]) => value !== undefined && html`<input type="hidden" name=${name} value=${value} />`
    )}
    ${content}
  </form>`

const verbs = { redrive: "Redrive", pause: "Pause", silence: "Silence", cancel: "Cancel" } as const

/** The way to an action on the pages of a filter: first it shows what would be done. Nothing where there is no way. */
export const plan = (frame: Frame, action: PlanView["action"], filter: Filter, what = ""): Node =>
  link(
    (places) => {
      const to = places.plan(action, filter)
      return to === undefined || frame.mayAct ? to : Addresses.signIn(to)
    },
    `${verbs[action]} ${what}`.trim(),
    "button",
    false
  )

/** What stands in place of a form for those who have not signed in. */
export const signInFirst = (to: string, what: string): Node =>
  html`<a class="button" href=${Addresses.signIn(to)}>Sign in to ${what}</a>`

/** A field with its label. `attributes` are those of its `<input>`. */
export const field = (label: Child, attributes: { readonly [name: string]: unknown }): Node =>
  html`<label class="field"><span>${label}</span><input ...${attributes} /></label>`

export const choice = (
  label: string,
  name: string,
  chosen: string | undefined,
  options: ReadonlyArray<readonly [value: string, text: string]>
): Node =>
  html`<label class="field">
    <span>${label}</span>
    <select name=${name}>
      ${options.map(([value, text]) => html`<option value=${value} selected=${value === (chosen ?? "")}>${text}</option>`)}
    </select>
  </label>`
