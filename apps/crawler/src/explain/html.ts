/**
 * Views of HTML and SVG: a tagged template that makes elements of Preact, which escapes every text. Only the server renders them.
 */
import { html as template } from "htm/preact"
import type { ComponentChildren, VNode } from "preact"
import { renderToStaticMarkup } from "preact-render-to-string"

/** A part of a page. */
export type View = ComponentChildren

/** A view of a template, which has one element: `html\`<p>${text}</p>\``. */
export const html = (strings: TemplateStringsArray, ...values: ReadonlyArray<unknown>): VNode => {
  const view = template(strings, ...values)
  if (Array.isArray(view)) throw new Error("a template has more than one element")
  return view
}

/** A view as text. */
export const render = (view: VNode): string => renderToStaticMarkup(view)
