/**
 * A report as one HTML file without scripts, which loads nothing and is never larger than a mail takes.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { renderToString } from "preact-render-to-string"
import * as Words from "../watch/views/Words.ts"
import * as Fit from "./Fit.ts"
import type { Report } from "./Report.ts"
import { body } from "./views/Document.ts"

/** What a report is at most, in bytes. */
export const most = 3_000_000

/** For what changes with the pages that are told: numbers in sentences, and heads of sections and tables. */
const slack = 20_000

const stylesOf = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), "utf8")
    .replace(/\/\*[^]*?\*\//g, "")
    .replace(/\s*\n\s*/g, "\n")

/** The styles of the page, and those that only a file needs. */
const styles = `${stylesOf("../watch/styles.css")}${stylesOf("report.css")}`

/** No script runs, nothing is loaded, and no styles but these count. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(styles).digest("base64")}'`,
  "img-src data:",
  "form-action 'none'",
  "base-uri 'none'"
].join("; ")

const text = (value: string): string => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const document = (shown: Fit.Fitted): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${text(Words.visible(Words.cut(shown.job.url, 80)))} – Crawl report</title>
<style>${styles}</style>
</head>
<body>
${renderToString(body(shown))}
</body>
</html>
`

/** The file. What has no room is counted, and the file says so. */
export const html = (report: Report): string => {
  const least = document(Fit.fit(report, 0))
  let room = most - Fit.bytesOf(least) - slack
  for (;;) {
    const whole = document(Fit.fit(report, room))
    if (Fit.bytesOf(whole) <= most || room <= 0) return whole
    room = Math.floor(room / 2)
  }
}
