/** The crawl service beside Crawlee and a bare loop, each in a process of its own, on sites of 127.0.0.1. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import type { Measured } from "./crawl/run.ts"
import type { Seen } from "./crawl/site.ts"
import { table, write } from "./measure.ts"

const rounds = Number(process.argv[2] ?? 5)

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN

const start = (file: string, args: ReadonlyArray<string>) => {
  const path = join(import.meta.dirname, "crawl", file)
  const running = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", path, ...args], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const line = new Promise<string>((resolve, reject) => {
    createInterface({ input: running.stdout }).once("line", resolve)
    running.once("close", () => reject(new Error(`${[file, ...args].join(" ")} said nothing`)))
  })
  return { line, end: () => running.stdin.end() }
}

interface Site {
  readonly url: string
  readonly seen: () => Promise<Seen>
}

const withSite = async (kind: string, use: (site: Site) => Promise<void>): Promise<void> => {
  const { end, line } = start("site.ts", [kind])
  try {
    const url = await line
    await use({ url, seen: async () => (await (await fetch(`${url}/-/seen`)).json()) as Seen })
  } finally {
    end()
  }
}

/** Crawls a site so many times, in a new process. */
const crawls = async (name: string, { url }: Site, times: number): Promise<ReadonlyArray<Measured>> =>
  JSON.parse(await start("run.ts", [name, url, `${times}`]).line)

/** What a contestant's first crawls and its second ones took. */
interface Row {
  readonly first: Array<Measured>
  readonly second: Array<Measured>
}

const turndown = "Crawlee, Markdown by turndown"
const noMarkdown = "Crawlee, no Markdown"
const bare = "bare loop with our extraction"
const names = ["service, SQLite file", "service, in memory", turndown, noMarkdown, bare]

/** All crawls of a site, in rounds. Each must have found all pages, and no others. */
const measure = async (kind: string): Promise<ReadonlyMap<string, Row>> => {
  const rows = new Map(names.map((name): [string, Row] => [name, { first: [], second: [] }]))
  await withSite(kind, async (site) => {
    const expected = (await site.seen()).paths.toSorted().join("\n")
    for (let round = 0; round < rounds; round++) {
      for (const [name, { first, second }] of rows) {
        process.stderr.write(`${kind}: round ${round + 1} of ${rounds}: ${name}\n`)
        const [one, two] = await crawls(name, site, 2)
        if (one === undefined || two === undefined) throw new Error(`${name} did not crawl twice`)
        for (const { paths } of [one, two]) {
          if (paths.join("\n") !== expected) throw new Error(`${name} found ${paths.length} other pages of ${kind}`)
        }
        first.push(one)
        second.push(two)
      }
    }
  })
  return rows
}

const speed = (crawled: ReadonlyArray<Measured> | undefined): number =>
  median((crawled ?? []).map(({ paths, seconds }) => paths.length / seconds))

const cost = (crawled: ReadonlyArray<Measured> | undefined): number =>
  median((crawled ?? []).map(({ cpu, paths }) => (cpu / paths.length) * 1000))

const heads = [
  "what",
  "pages a second",
  "beside turndown",
  "beside no Markdown",
  "beside the loop",
  "CPU ms a page",
  "beside turndown",
  "beside no Markdown",
  "first crawl: pages a second",
  "CPU ms a page"
]

const tableOf = (rows: ReadonlyMap<string, Row>): string =>
  table(
    heads,
    1,
    [...rows].map(([name, { first, second }]) => {
      const beside = (of: typeof speed, other: string) => `${(of(second) / of(rows.get(other)?.second)).toFixed(2)}x`
      return [
        name,
        speed(second).toFixed(0),
        beside(speed, turndown),
        beside(speed, noMarkdown),
        beside(speed, bare),
        cost(second).toFixed(2),
        beside(cost, turndown),
        beside(cost, noMarkdown),
        speed(first).toFixed(0),
        cost(first).toFixed(2)
      ]
    })
  )

/** What a site refused, and the pages of it that a crawl did not bring. */
const limited = async (): Promise<string> => {
  const rows: Array<ReadonlyArray<string>> = []
  await withSite("limited", async (site) => {
    for (const name of ["service, SQLite file", "Crawlee, its session pool", "Crawlee, told the limit"]) {
      process.stderr.write(`limited: ${name}\n`)
      const [measured] = await crawls(name, site, 1)
      const { paths, refused } = await site.seen()
      const found = measured?.paths.length ?? 0
      rows.push([name, `${paths.length - found}`, `${refused}`, `${measured?.seconds.toFixed(1)}`])
    }
  })
  return table(["what", "pages lost", "refusals", "seconds"], 1, rows)
}

const small = await measure("small")
const docs = await measure("docs")
const refusals = await limited()

write(
  "crawl.md",
  "Crawls beside Crawlee and a bare loop",
  `2 cores for the site and the crawler together, and whatever else the machine did; 4 connections; Crawlee 3.18.1, whose Markdown is
made by turndown 7.2.5 with tables; the loop asks by undici, and has no retries, no store and no bounds. All found the same pages. Each process crawls twice: the
figures are of the second crawl, where code has been compiled, and medians of ${rounds} interleaved rounds.

## 2,000 small pages`,
  `${tableOf(small)}

## ${docs.get(bare)?.second[0]?.paths.length} pages of documentation

The HTML documentation that the npm packages npm, cannon and p2 bring, and a page that leads to all of it.

${tableOf(docs)}

## 200 pages of a site that gives 25 a second

Any more are refused with 429 and Retry-After. Pages that only a lost page leads to are lost, too. The Crawlee on npm does not read that header; where it is told the limit, it asks for no more than 1,500 pages a minute.

${refusals}`
)
