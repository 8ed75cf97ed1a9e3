/**
 * A view as a whole HTML document, which works without a script: links and forms. With one it stays live.
 */
import { renderToString } from "preact-render-to-string"
import type { Assets } from "./Assets.ts"
import type { Shown } from "./Model.ts"
import { titleOf, topicOf } from "./views/Live.ts"
import { page } from "./views/Page.ts"
import { anyView } from "./views/Views.ts"

/** The browser runs the modules of the service and nothing else, and asks no other host. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'"
].join("; ")

/** A text within a script of data: no tag begins or ends in it, and no comment. */
const data = (shown: Shown): string => JSON.stringify(shown).replaceAll("<", "\\u003c")

const text = (value: string): string => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M3 8a5 5 0 1 1 2 4M3 13V9h4' fill='none' stroke='%230b62c4' stroke-width='2'/%3E%3C/svg%3E"

/** The document of a view. A view that stays as it is needs no script. */
export const html = (shown: Shown, assets: Assets): string => {
  const isLive = topicOf(shown) !== undefined
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(titleOf(shown))}</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${assets.styles}">
${isLive ? scripts(assets) : ""}</head>
<body>
<div id="root">${renderToString(page(shown, anyView(shown)))}</div>
${isLive ? `<script type="application/json" id="shown">${data(shown)}</script>\n` : ""}</body>
</html>
`
}

const scripts = ({ client, modules }: Assets): string =>
  `${modules.map((path) => `<link rel="modulepreload" href="${path}">\n`).join("")}<script type="module" src="${client}"></script>\n`
