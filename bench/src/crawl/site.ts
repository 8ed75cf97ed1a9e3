/**
 * The sites that are crawled, on 127.0.0.1 in a process of their own: one prints its URL, and ends when its input does.
 *
 * `small` has 2,000 pages of some two kilobytes, `docs` the HTML documentation that three npm packages bring, and `limited` 200 pages of which it
 * gives 25 a second: it answers any more with 429 and the whole seconds to wait. `GET /-/seen` is for the bench: what a site has, and has refused.
 */
import { readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

/** The paths of a site's pages, and the number of requests that it has refused since it was asked last. */
export interface Seen {
  readonly paths: ReadonlyArray<string>
  readonly refused: number
}

const paragraph =
  "A crawler asks for a page, reads <em>what it says</em>, and keeps the <a href='#top'>places</a> that it leads to. " +
  "Whoever runs the <strong>site</strong> pays for each request, so that <code>4 connections</code> are enough. "

/** A page of a tree in which each page leads to two more, to the one before it and to the start. */
const smallPage = (number: number, count: number): string => {
  const links = [0, number - 1, 2 * number + 1, 2 * number + 2].filter((one) => one >= 0 && one < count)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Page ${number}</title><link rel="stylesheet" href="/style.css"></head>
<body><nav><ul>${links.map((one) => `<li><a href="/${one}.html">Page ${one}</a></li>`).join("")}</ul></nav>
<main id="top"><h1>Page ${number}</h1>
<p>${paragraph}</p>
<h2>Details</h2>
<ul><li>First &amp; foremost, ${number}.</li><li>Then <a href="https://example.com/${number}">another site</a>.</li></ul>
<pre><code>const page = await fetch("/${number}.html")\nconsole.log(page.status)</code></pre>
<table><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>
<tr><td>number</td><td>${number}</td></tr><tr><td>double</td><td>${2 * number}</td></tr></tbody></table>
<p>${paragraph.repeat(3)}</p>
</main><footer><p>Made for a benchmark.</p></footer></body></html>`
}

/** Pages whose start, `/0.html`, leads to all of them. */
const tree = (count: number): ReadonlyMap<string, string> =>
  new Map(Array.from({ length: count }, (_, number) => [`/${number}.html`, smallPage(number, count)]))

/** Where npm packages keep their HTML documentation. */
const docFolders = [
  ["npm", import.meta.resolve("npm-docs/package.json"), "docs/output"],
  ["cannon", import.meta.resolve("cannon/package.json"), "docs"],
  ["p2", import.meta.resolve("p2/package.json"), "docs"]
] as const

/** Documentation as it was published, and a start page that leads to all of it. */
const docs = (): ReadonlyMap<string, string> => {
  const pages = docFolders.flatMap(([name, file, below]) => {
    const folder = join(dirname(fileURLToPath(file)), below)
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".html"))
      .toSorted()
      .map((path) => [encodeURI(`/${name}/${path}`), readFileSync(join(folder, path), "utf8")] as const)
  })
  const links = pages.map(([path]) => `<li><a href="${path}">${path}</a></li>`).join("\n")
  return new Map([["/0.html", `<!doctype html><title>Documentation</title><ul>${links}</ul>`], ...pages])
}

/** What a site allows: so many requests a second, and as many at once. */
const limit = 25

const kinds: { readonly [kind: string]: () => ReadonlyMap<string, string> } = {
  small: () => tree(2000),
  docs,
  limited: () => tree(200)
}

const kind = process.argv[2] ?? ""
const pages = kinds[kind]?.() ?? new Map<string, string>()
const bodies = new Map([...pages].map(([path, html]) => [path, Buffer.from(html)]))

let refused = 0
let second = 0
let given = 0

const isAllowed = (): boolean => {
  if (kind !== "limited") return true
  const now = Math.floor(performance.now() / 1000)
  if (now !== second) given = 0
  second = now
  return ++given <= limit
}

const server = createServer(({ url = "" }, response) => {
  if (url === "/-/seen") {
    const seen: Seen = { paths: [...pages.keys()], refused }
    refused = 0
    return response.end(JSON.stringify(seen))
  }
  if (!isAllowed()) {
    refused++
    return response.writeHead(429, { "retry-after": "1" }).end()
  }
  const body = bodies.get(url)
  if (body === undefined) return response.writeHead(404, { "content-length": 0 }).end()
  return response
    .writeHead(200, { "content-type": "text/html; charset=utf-8", "content-length": body.length })
    .end(body)
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`)
})
process.stdin.on("end", () => process.exit()).resume()
