/** One alert as people read it. All texts are bounded, and without control characters. */
export interface Section {
  readonly title: string
  readonly message: string
  readonly tone: "severe" | "mild" | "over"
  readonly facts: ReadonlyArray<readonly [name: string, values: ReadonlyArray<string>]>
}

/** Seen on white and on black alike; the client chooses the other colors. */
const colors: { readonly [Tone in Section["tone"]]: string } = { severe: "#d13438", mild: "#b97d10", over: "#1f8a4c" }

const entities: { readonly [sign: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)

const escapeLines = (texts: ReadonlyArray<string>): string => texts.map(escape).join("<br>\n")

/** A whole document. Styles are on the elements, since clients drop style sheets; no image or font is loaded. */
export const page = (heading: string | undefined, sections: ReadonlyArray<Section>): string =>
  [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"></head>`,
    `<body style="font-family:system-ui,-apple-system,'Segoe UI',Arial,sans-serif;font-size:14px;line-height:1.45">`,
    ...(heading === undefined ? [] : [overview(heading, sections)]),
    ...sections.map(section),
    "</body></html>",
    ""
  ].join("\n")

const overview = (heading: string, sections: ReadonlyArray<Section>): string =>
  [`<h1 style="font-size:18px">${escape(heading)}</h1>`, "<ul>", ...sections.map(item), "</ul>"].join("\n")

const item = ({ title }: Section): string => `<li>${escape(title)}</li>`

const section = ({ facts, message, title, tone }: Section): string =>
  [
    `<div style="border-left:4px solid ${colors[tone]};padding:0 0 0 12px;margin:0 0 24px">`,
    `<h2 style="font-size:16px;margin:0 0 8px">${escape(title)}</h2>`,
    `<p style="margin:0 0 12px;overflow-wrap:anywhere">${escapeLines(message.split("\n"))}</p>`,
    `<table style="border-collapse:collapse;font-size:13px">`,
    ...facts.map(row),
    "</table>",
    "</div>"
  ].join("\n")

const row = ([name, values]: Section["facts"][number]): string =>
  `<tr><th scope="row" style="text-align:left;vertical-align:top;padding:1px 16px 1px 0;font-weight:600">${escape(name)}</th>` +
  `<td style="overflow-wrap:anywhere">${escapeLines(values)}</td></tr>`
