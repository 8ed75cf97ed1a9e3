/**
 * The crawlers that are compared. Each asks for the HTML pages of one host over 4 connections, follows their links, and keeps each page's URL,
 * title and links, and its Markdown if it makes any.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import * as Crawlee from "@crawlee/cheerio"
import { MemoryStorage } from "@crawlee/memory-storage"
import { gfm } from "@joplin/turndown-plugin-gfm"
import * as Extract from "@redrive/crawler/src/page/Extract.ts"
import * as Service from "@redrive/crawler/src/service/Service.ts"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import Turndown from "turndown"
import { Agent, request } from "undici"

const connections = 4

/** More than any site of the bench has. */
const mostPages = 5000

/** The URLs of the pages that a crawl found, and its seconds where the crawler itself knows them better than a clock around it. */
interface Found {
  readonly urls: ReadonlyArray<string>
  readonly seconds?: number
}

/** Makes itself ready, and gives a crawl from a start URL. */
type Contestant = () => Promise<(start: string) => Promise<Found>>

interface Job {
  readonly created_at: string
  readonly finished_at: string
  readonly job_items: ReadonlyArray<{ readonly original_url: string; readonly status: string }>
}

interface JobList {
  readonly jobs: ReadonlyArray<{ readonly finished_at: string | null }>
}

/** How often the service is asked whether its job has ended. */
const poll = 250

/** Our service, by its API. While the job runs its summary is asked for, which costs less than all its pages. */
const service = async (database: string) => {
  const runtime = ManagedRuntime.make(Service.layer({ allowPrivate: true, database }))
  const { url } = await runtime.runPromise(Service.Service.use(Effect.succeed))
  const ask = async <A>(path: string, body?: object): Promise<A> => {
    const headers = { authorization: "Bearer local", "content-type": "application/json" }
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }
    const response = await fetch(new URL(path, url), { headers, ...init })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as A
  }
  return async (start: string): Promise<Found> => {
    const { id } = await ask<{ readonly id: string }>("/v1/crawl", {
      url: start,
      items_limit: mostPages,
      whitelist_regexp: String.raw`\.html$`,
      respect_robots_txt: false
    })
    let list: JobList
    do {
      await sleep(poll)
      list = await ask<JobList>("/v1/jobs?limit=1")
    } while (list.jobs[0]?.finished_at === null)
    const { created_at, finished_at, job_items } = await ask<Job>(`/v1/job/${id}`)
    return {
      urls: job_items.flatMap(({ original_url, status }) => (status === "done" ? [original_url] : [])),
      seconds: (Date.parse(finished_at) - Date.parse(created_at)) / 1000
    }
  }
}

const serviceOnDisk = () => {
  const folder = mkdtempSync(join(tmpdir(), "redrive-crawl-"))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  return service(join(folder, "crawl.db"))
}

type CrawleeOptions = Pick<Crawlee.CheerioCrawlerOptions, "maxRequestsPerMinute" | "useSessionPool">

/** Crawlee keeps its queue and its results in memory. Its sessions are for sites that block a crawler, and cost time. */
const crawlee =
  (toMarkdown: (html: string) => string | undefined, options: CrawleeOptions = { useSessionPool: false }): Contestant =>
  async () => {
    Crawlee.log.setLevel(Crawlee.LogLevel.OFF)
    return async (start) => {
      // Storage of its own: another crawl would have been at all pages already.
      const storageClient = new MemoryStorage({ persistStorage: false })
      const configuration = new Crawlee.Configuration({ persistStorage: false, storageClient })
      const pages: Array<{ url: string; title: string; links: ReadonlyArray<string>; markdown: string | undefined }> =
        []
      const crawler = new Crawlee.CheerioCrawler(
        {
          ...options,
          minConcurrency: connections,
          maxConcurrency: connections,
          persistCookiesPerSession: false,
          requestHandler: async ({ $, body, enqueueLinks, request: { loadedUrl, url }, response }) => {
            if (response.statusCode !== 200) return
            await enqueueLinks({ regexps: [/\.html$/] })
            const links = $("a[href]")
              .toArray()
              .flatMap(({ attribs: { href = "" } }) => URL.parse(href, loadedUrl ?? url)?.href ?? [])
            pages.push({ url, title: $("title").first().text().trim(), links, markdown: toMarkdown(String(body)) })
          }
        },
        configuration
      )
      await crawler.run([start])
      return { urls: pages.map(({ url }) => url) }
    }
  }

const turndown = new Turndown({ headingStyle: "atx", codeBlockStyle: "fenced" })
  .remove(["script", "style", "title"])
  .use(gfm)

/** A page that the bare loop has read, with our extraction; nothing of one that is not there. */
const read = async (url: string, dispatcher: Agent): Promise<Extract.Content | undefined> => {
  const { body, statusCode } = await request(url, { dispatcher })
  const text = await body.text()
  return statusCode === 200 ? Extract.fromPage(text, url) : undefined
}

/** A loop of requests over as many connections, with our extraction, and nothing else: no retries, no store, no bounds. */
const bare: Contestant = async () => {
  const dispatcher = new Agent({ connections })
  return async (start) => {
    const { host } = new URL(start)
    const seen = new Set([start])
    const waiting = [start]
    const found = new Map<string, Extract.Content>()
    const reading = new Set<Promise<void>>()
    const visit = async (url: string): Promise<void> => {
      const content = await read(url, dispatcher)
      if (content === undefined) return
      found.set(url, content)
      for (const link of content.links) {
        if (seen.has(link) || !link.endsWith(".html") || new URL(link).host !== host) continue
        seen.add(link)
        waiting.push(link)
      }
    }
    while (waiting.length > 0 || reading.size > 0) {
      while (reading.size < connections) {
        const url = waiting.shift()
        if (url === undefined) break
        const one: Promise<void> = visit(url).finally(() => reading.delete(one))
        reading.add(one)
      }
      await Promise.race(reading)
    }
    return { urls: [...found.keys()] }
  }
}

/** The contestants by the names that the table gives them. */
export const contestants: { readonly [name: string]: Contestant } = {
  "service, SQLite file": serviceOnDisk,
  "service, in memory": () => service(":memory:"),
  "Crawlee, Markdown by turndown": crawlee((html) => turndown.turndown(html)),
  "Crawlee, no Markdown": crawlee(() => undefined),
  "Crawlee, its session pool": crawlee(() => undefined, {}),
  "Crawlee, told the limit": crawlee(() => undefined, { maxRequestsPerMinute: 1500 }),
  "bare loop with our extraction": bare
}
