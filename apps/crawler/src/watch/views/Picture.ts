/**
 * A picture that another part of the service has drawn. As an image it runs nothing, whatever is written in it.
 */
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"

export const picture = (svg: string, alt: string): Node | false =>
  svg !== "" &&
  html`<figure class="picture" tabindex="0" role="group" aria-label=${alt}>
    <img alt=${alt} src=${`data:image/svg+xml,${encodeURIComponent(svg.toWellFormed())}`} />
  </figure>`
