/**
 * Templates of HTML and SVG: `htm` makes virtual nodes of preact from them, in the browser and on the server. Texts and values of attributes are never
 * markup.
 */
import htm from "htm"
import { h } from "preact"
import type { ComponentChild, VNode } from "preact"

export type Child = ComponentChild | ReadonlyArray<ComponentChild>

export type Node = VNode

// The library's types say that it were CommonJS, where the export is a field of what is imported.
const bound = htm as unknown as typeof htm.default

/** The node of a template: `html\`<p>${text}</p>\``. One with several roots makes an array, which goes wherever a child goes. */
export const html: (strings: TemplateStringsArray, ...values: ReadonlyArray<unknown>) => Node = bound.bind(h) as never
