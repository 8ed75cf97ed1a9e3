/**
 * The views in a Chromium, served from fixtures by a server of their own.
 */
import { createServer, type ServerResponse } from "node:http"
import { createRequire } from "node:module"
import { readFileSync } from "node:fs"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core"
import * as Assets from "../../src/watch/Assets.ts"
import type { Shown } from "../../src/watch/Model.ts"
import * as Render from "../../src/watch/Render.ts"

/** Whether the tests in a browser are skipped, because this machine has none. */
export const noChromium = Program.isMissing("chromium", "chromium")

/** A desk and a phone, by day and by night. */
export const looks = [
  [1280, "light"],
  [1280, "dark"],
  [390, "light"],
  [390, "dark"]
] as const

const assets = Assets.make()

/** A window in which tables are no sheets yet, and have little room. */
export const tablet = [800, "light"] as const

const changed = (topic: string) => `event: change\ndata: ${JSON.stringify({ topics: [topic] })}\n\n`

/** A server of views by path. What it shows can be changed, and told. Whoever read a view before a change hears so at the beginning. */
export const pages = Effect.fnUntraced(function* (shown: { [path: string]: Shown }) {
  const listeners = new Set<ServerResponse>()
  let [connections, changes] = [0, 0]
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/")
    const asset = assets.byPath.get(path)
    if (asset !== undefined) return response.writeHead(200, { "content-type": asset.contentType }).end(asset.body)
    if (path.startsWith("/live?")) {
      connections++
      response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n")
      if (path !== `/live?after=${changes}`) response.write(changed("*"))
      listeners.add(response)
      return request.on("close", () => listeners.delete(response))
    }
    const found = shown[path]
    if (found === undefined) return response.writeHead(404).end()
    const view = { ...found, frame: { ...found.frame, after: String(changes) } }
    if (request.headers.accept === "application/json") return response.end(JSON.stringify(view))
    return response
      .writeHead(200, { "content-type": "text/html", "content-security-policy": Render.contentSecurityPolicy })
      .end(Render.html(view, assets))
  })
  const url = new URL(yield* Program.serve(server))
  return {
    url,
    /** How many browsers listen, and how often any began to. */
    listening: () => listeners.size,
    connected: () => connections,
    show: (path: string, view: Shown) => {
      shown[path] = view
      changes++
    },
    tell: (topic: string) => {
      for (const listener of listeners) listener.write(changed(topic))
    },
    /** Ends the connections of those that listen. */
    drop: () => {
      for (const listener of listeners) listener.destroy()
    }
  }
})

const program = "/usr/bin/chromium"

// In a container Chromium has no sandbox of its own.
const launch = () => chromium.launch({ executablePath: program, args: ["--no-sandbox"] })

/** A browser for as long as the scope. */
export const browser: Effect.Effect<Browser, never, import("effect/Scope").Scope> = Effect.acquireRelease(
  Effect.promise(launch),
  (browser) => Effect.promise(() => browser.close())
)

/**
 * One browser for the tests of a file, which ends with it: `browserOf(afterAll)`. `open` gives each test a context of its own, in which nothing of
 * another one is left.
 */
export const browserOf = (atEnd: (end: () => Promise<void>) => void): Effect.Effect<Browser> => {
  let started: Promise<Browser> | undefined
  atEnd(async () => (await started)?.close())
  return Effect.promise(() => (started ??= launch()))
}

/** A page of a browser, and what it complained of: errors, and requests to other hosts than its own. */
export const open = Effect.fnUntraced(function* (browser: Browser, url: URL, options: BrowserContextOptions = {}) {
  // axe comes through Playwright's own door, which the page's policy does not close.
  const context = yield* Effect.acquireRelease(
    Effect.promise(() => browser.newContext(options)),
    (context) => Effect.promise(() => context.close())
  )
  const page = yield* Effect.promise(() => context.newPage())
  const complaints: Array<string> = []
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(error.message))
  page.on("request", (request) => {
    const to = new URL(request.url())
    if (to.protocol !== "data:" && to.host !== url.host) complaints.push(`asked ${to.host}`)
  })
  yield* Effect.promise(() => page.goto(url.href))
  return { page, complaints }
})

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

interface Violation {
  readonly id: string
  readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary?: string }>
}

/** What axe finds wrong with a page. */
export const violations = (page: Page): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    await page.evaluate(axe)
    const found = await page.evaluate<ReadonlyArray<Violation>>(
      // All rules run. What they find right is not written down in full, which takes longer than the rules.
      `axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)`
    )
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ failureSummary = "", html }) => `${id}: ${html} ${failureSummary}`)
    )
  })

/** The words of tables that are broken in their middle. URLs may be, and words with hyphens after one. */
export const brokenWords = (page: Page): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(() =>
    page.evaluate<ReadonlyArray<string>>(`(() => {
      const found = []
      for (const table of document.querySelectorAll("table")) {
        const texts = document.createTreeWalker(table, NodeFilter.SHOW_TEXT)
        for (let text = texts.nextNode(); text !== null; text = texts.nextNode())
          for (const { 0: word, index } of text.data.matchAll(/[^\\s-]+-*/g)) {
            const range = document.createRange()
            range.setStart(text, index)
            range.setEnd(text, index + word.length)
            const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)))
            if (lines.size > 1 && !/^https?:/.test(text.data)) found.push(word)
          }
      }
      return found
    })()`)
  )
