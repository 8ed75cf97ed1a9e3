/**
 * Keeps a page live in the browser: the same views as on the server, rendered anew into the same nodes when something of theirs has changed.
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { hydrate, render } from "preact"
import type { Shown } from "./Model.ts"
import { liveView, titleOf, topicOf } from "./views/Live.ts"
import { page } from "./views/Page.ts"
import * as Words from "./views/Words.ts"

/** The least time between two readings. */
const pace = 500

/** After this the connection is tried again, where the browser does not do so by itself. */
const patience = 3000

const root = document.getElementById("root") as HTMLElement
let shown = JSON.parse(document.getElementById("shown")?.textContent ?? "") as Shown
let live = ""
let source: EventSource | undefined
/** How far the clock of the service is ahead of the browser's. */
let ahead = shown.frame.now - Date.now()
/** When the view was last asked for. */
let asked = -Infinity
let timer: ReturnType<typeof setTimeout> | undefined
/** The form in which somebody has begun to type. */
let touched: HTMLFormElement | null = null

const draw = () => {
  render(page(shown, liveView(shown), live), root)
  document.title = titleOf(shown)
  tick()
}

/** Says whether the view is live. Only the words change. */
const say = (words: string) => {
  if (words === live) return
  live = words
  const status = document.querySelector("[role=status]")
  if (status !== null && isTyping()) status.textContent = words
  else draw()
}

/** A form in which somebody types stays as it is until it is left. */
const isTyping = (): boolean => touched !== null && touched.contains(document.activeElement)

const read = async () => {
  timer = undefined
  if (document.hidden) return
  if (isTyping()) return wish(pace)
  asked = Date.now()
  try {
    const response = await fetch(location.href, { headers: { accept: "application/json" }, cache: "no-store" })
    if (!response.ok) throw new Error(response.statusText)
    const answer = (await response.json()) as Shown
    if (isTyping()) return wish(pace)
    shown = answer
    ahead = shown.frame.now - Date.now()
    if (source?.readyState === EventSource.OPEN) live = "live"
    draw()
  } catch {
    say("no connection, trying again")
    wish(patience)
  }
}

/** Reads the view anew, however often it is wished for in between. */
const wish = (wait = 0) => {
  timer ??= setTimeout(() => void read(), Math.max(wait, asked + pace - Date.now()))
}

/** Listens to changes, also to those since the view was read. */
const open = (topic: string) => {
  if (source !== undefined || document.hidden) return
  const mine = new EventSource(`/live?after=${shown.frame.after}`)
  source = mine
  mine.addEventListener("open", () => say("live"))
  mine.addEventListener("change", ({ data }) => {
    const { topics } = JSON.parse(String(data)) as { readonly topics: ReadonlyArray<string> }
    if (topics.includes(topic) || topics.includes("*")) wish()
  })
  mine.addEventListener("error", () => {
    say("no connection, trying again")
    // A browser connects again by itself, but not after an answer that is no stream.
    if (mine.readyState !== EventSource.CLOSED) return
    close()
    setTimeout(() => open(topic), patience)
  })
}

const close = () => {
  source?.close()
  source = undefined
}

/** Counts down in the texts that are there, without rendering anything. */
const tick = () => {
  const now = Date.now() + ahead
  for (const node of document.querySelectorAll<HTMLElement>("[data-until]")) {
    const words = Words.until(Number(node.dataset["until"]) - now)
    if (node.firstChild !== null && node.textContent !== words) node.firstChild.nodeValue = words
  }
}

hydrate(page(shown, liveView(shown), live), root)
document.addEventListener("input", ({ target }) => {
  touched = (target as HTMLInputElement).form
})
setInterval(tick, 1000)

const topic = topicOf(shown)
if (topic !== undefined) {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open(topic)
    close()
    say("paused")
  })
  open(topic)
}
