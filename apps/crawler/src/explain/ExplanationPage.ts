/**
 * An explanation as a page: one file without scripts, which loads nothing.
 */
import { type Explanation, warned } from "./Explanation.ts"
import * as frame from "./frame.ts"
import { renderToString } from "preact-render-to-string"
import { type Child, html } from "../html.ts"
import { outage } from "./outagePicture.ts"
import * as pictures from "./pictures.ts"
import * as tables from "./tables.ts"

const style = `
:root{color-scheme:light dark;--ground:#fff;--card:#f6f7f9;--text:#1f2328;--faint:#5b6470;--edge:#d4d8dd;--warn:#9a3412;--warned:#fff4ec}
@media (prefers-color-scheme:dark){:root{--ground:#14181d;--card:#1c2229;--text:#e6e8eb;--faint:#9aa4b0;--edge:#3a424d;--warn:#fdba74;--warned:#2c2118}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:1.5rem;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:36px 0 8px;padding-top:12px;border-top:1px solid var(--edge)}
p{margin:4px 0;max-width:75ch}
.lead{font-size:1.05rem}
.note{color:var(--faint);font-size:.9rem}
.warnings{list-style:none;margin:16px 0 0;padding:0}
.warnings li{background:var(--warned);border-left:4px solid var(--warn);padding:6px 12px;margin:6px 0;overflow-wrap:anywhere}
.pair{display:grid;grid-template-columns:minmax(0,1fr);gap:20px;align-items:start}
@media (min-width:960px){.pair{grid-template-columns:minmax(0,1fr) minmax(0,1.1fr)}}
.picture{display:block;width:100%;max-width:560px;height:auto}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.87rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:3px 8px;border-bottom:1px solid var(--edge);vertical-align:top}
th{color:var(--faint);font-weight:500}
td,th{white-space:nowrap}
.number{text-align:right}
pre{background:var(--card);padding:12px;margin:0;overflow-x:auto;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--faint);margin:12px 0 6px}
@media print{:root{color-scheme:light;--ground:#fff;--card:#fff;--text:#000;--faint:#333;--edge:#bbb;--warn:#9a3412;--warned:#fff}main{max-width:none;padding:0}.pair{grid-template-columns:minmax(0,1fr)}section{break-inside:avoid}}
`

const table = ({ head, rows }: tables.Table, caption: string): Child => {
  const isNumber = head.map((_, column) => rows.some((row) => typeof row[column] === "number"))
  const kind = (column: number) => (isNumber[column] === true ? "number" : "")
  return html`<div class="scroll" role="region" aria-label=${caption} tabindex="0">
    <table>
      <thead>
        <tr>
          ${head.map((title, column) => html`<th scope="col" class=${kind(column)}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, column) => html`<td class=${kind(column)}>${cell}</td>`)}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`
}

const notes = (texts: ReadonlyArray<string>): Child => texts.map((text) => html`<p class="note">${text}</p>`)

const section = (title: string, body: Child): Child =>
  html`<section>
    <h2>${title}</h2>
    ${body}
  </section>`

const pair = (picture: frame.Picture, of: tables.Table, texts: ReadonlyArray<string>): Child =>
  section(
    picture.title,
    html`<div class="pair">
      <div>${picture.height > 4 ? [pictures.view(picture), notes([picture.description])] : ""}</div>
      <div>${table(of, picture.title)}${notes(texts)}</div>
    </div>`
  )

const overrides = (self: Explanation): Child =>
  self.overrides.length === 0
    ? ""
    : section("Overrides", [
        table(tables.overrides(self), "Overrides"),
        self.moreOverrides > 0 ? notes([`${self.moreOverrides} more are not shown.`]) : ""
      ])

/** The explanation without the page around it; it needs `styles`. */
export const body = (self: Explanation): Child =>
  html`<main>
    <h1>${self.name}</h1>
    <p class="note">A retry policy, ${warned(self)}</p>
    ${tables.summary(self).map((text) => html`<p class="lead">${text}</p>`)}
    <ul class="warnings">
      ${self.warnings.map(({ text }) => html`<li>${text}</li>`)}
    </ul>
    ${pair(pictures.delays(self), tables.delays(self), ["Of a call whose attempts fail at once.", ...tables.delayNotes(self)])}
    ${overrides(self)} ${pair(pictures.worst(self), tables.worst(self), tables.worstNotes(self))}
    ${pair(outage(self), tables.outage(self), tables.outageNotes(self))}
    ${section("Settings", [
      html`<pre>${self.settings.join("\n")}</pre>`,
      html`<details>
        <summary>The policy as JSON, its defaults filled in</summary>
        <pre>${JSON.stringify(self.policy, null, 2)}</pre>
      </details>`
    ])}
  </main>`

/** The styles of `body`. */
export const styles = `${style}${frame.style}`

/** The page as a document. */
export const document = (self: Explanation): string => {
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta
        http-equiv="Content-Security-Policy"
        content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
      />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${self.name}: the policy explained</title>
      <style dangerouslySetInnerHTML=${{ __html: styles }} />
    </head>
    <body>${body(self)}</body>
  </html>`
  return `<!doctype html>\n${renderToString(page)}\n`
}
