/**
 * Links of views that are shown in several places: the service has an address for everything, and a report only for what it tells itself.
 */
import { createContext } from "preact"
import type { Filter } from "../Filter.ts"
import type { PlanView } from "../Model.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import * as Addresses from "./Addresses.ts"

/** Where things are. What has no place is shown without a link. */
export interface Places {
  readonly item: (item: { readonly id: string; readonly jobId: string }) => string | undefined
  readonly items: (filter: Filter) => string | undefined
  readonly plan: (action: PlanView["action"], filter: Filter) => string | undefined
}

/** Where a link leads: to an address, or to one of the places. */
export type To = string | ((places: Places) => string | undefined)

const Where = createContext<Places>(Addresses)

/** A view whose links lead to places of its own, and not to those of the service. */
export const within = (places: Places, content: Child): Node =>
  html`<${Where.Provider} value=${places}>${content}</${Where.Provider}>`

/** A link, or what is shown `otherwise` where it would lead nowhere: the content alone, unless said. */
export const link = (to: To, content: Child, className?: string, otherwise: Child = content): Node => {
  if (typeof to === "string") return anchor(to, content, className)
  const linked = (places: Places): Child => {
    const href = to(places)
    return href === undefined ? otherwise : anchor(href, content, className)
  }
  return html`<${Where.Consumer}>${linked}</${Where.Consumer}>`
}

/** For pages of sites, which learn nothing of who leads there. */
const outsideRel = "noreferrer noopener nofollow"

export const anchor = (href: string, content: Child, className?: string): Node =>
  html`<a class=${className} href=${href} rel=${/^https?:/.test(href) ? outsideRel : undefined}>${content}</a>`
