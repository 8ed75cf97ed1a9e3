/** What a hundred people who watch the page cost the service: a crawl with and without them, and a storm of changes. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { table, write } from "./measure.ts"
import type { Heard } from "./watchers/people.ts"
import type { Usage } from "./watchers/service.ts"

const rounds = Number(process.argv[2] ?? 5)
const people = 100
const stalled = 10
const changesPerSecond = 5000
const stormSeconds = 20

const folder = mkdtempSync(join(tmpdir(), "redrive-watchers-"))
const file = join(folder, "crawl.db")
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const start = async <A>(name: string, ...args: ReadonlyArray<string>): Promise<readonly [ChildProcess, A]> => {
  const child = fork(join(import.meta.dirname, "watchers", name), args, {
    execArgv: ["--disable-warning=ExperimentalWarning", "--expose-gc"]
  })
  const [first] = await once(child, "message")
  return [child, first]
}

const ask = async <A>(child: ChildProcess): Promise<A> => {
  child.send("")
  const [answer] = await once(child, "message")
  return answer
}

const stop = async (child: ChildProcess) => {
  child.kill()
  await once(child, "exit")
}

const site = fork(join(import.meta.dirname, "crawl/site.ts"), ["small"], {
  execArgv: ["--disable-warning=ExperimentalWarning"],
  stdio: ["pipe", "pipe", "inherit", "ipc"]
})
const [said] = await once(site.stdout ?? site, "data")
const home = `${String(said).trim()}/0.html`
const [service, url] = await start<string>("service.ts", file)

const api = async <A>(path: string, body?: object): Promise<A> => {
  const headers = { authorization: "Bearer local", "content-type": "application/json" }
  const response = await fetch(new URL(path, url), {
    headers,
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) })
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as A
}

interface Job {
  readonly created_at: string
  readonly finished_at: string | null
  readonly items_done: number
}

/** What a crawl took. */
interface Crawl {
  readonly pagesPerSecond: number
  /** Milliseconds of CPU that the service took for a page, watchers included. */
  readonly cpu: number
}

const crawl = async (): Promise<Crawl> => {
  const before = await ask<Usage>(service)
  await api("/v1/crawl", {
    url: home,
    items_limit: 5000,
    whitelist_regexp: String.raw`\.html$`,
    respect_robots_txt: false
  })
  let job: Job | undefined
  do {
    await sleep(250)
    job = (await api<{ readonly jobs: ReadonlyArray<Job> }>("/v1/jobs?limit=1")).jobs[0]
  } while (job === undefined || job.finished_at === null)
  const seconds = (Date.parse(job.finished_at) - Date.parse(job.created_at)) / 1000
  const { cpu } = await ask<Usage>(service)
  return { pagesPerSecond: 2000 / seconds, cpu: ((cpu - before.cpu) / 2000) * 1000 }
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN

const watching = async <A>(use: (crowd: ChildProcess) => Promise<A>): Promise<A> => {
  const [crowd] = await start("people.ts", url, `${people}`, `${stalled}`)
  await sleep(1000)
  await ask<Heard>(crowd)
  const result = await use(crowd)
  await stop(crowd)
  return result
}

const alone: Array<Crawl> = []
const watched: Array<Crawl & Heard> = []
await crawl()
for (let round = 0; round < rounds; round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\n`)
  alone.push(await crawl())
  watched.push(await watching(async (crowd) => ({ ...(await crawl()), ...(await ask<Heard>(crowd)) })))
}

process.stderr.write("storm\n")
const mb = (bytes: number) => (bytes / 1e6).toFixed(0)
const storm = await watching(async (crowd) => {
  const before = await ask<Usage>(service)
  const writer = fork(
    join(import.meta.dirname, "watchers", "writer.ts"),
    [file, `${changesPerSecond}`, `${stormSeconds}`],
    {
      execArgv: ["--disable-warning=ExperimentalWarning"]
    }
  )
  const wrote = once(writer, "message")
  const during: Array<Usage> = []
  for (let second = 0; second < stormSeconds; second++) {
    await sleep(1000)
    during.push(await ask<Usage>(service))
  }
  const [rate] = await wrote
  const heard = await ask<Heard>(crowd)
  return { before, during, heard, rate: Number(rate) }
})
await sleep(1000)
const after = await ask<Usage>(service)
await Promise.all([stop(service), stop(site)])

const rowOf = (name: string, crawls: ReadonlyArray<Crawl>) => {
  const speed = median(crawls.map(({ pagesPerSecond }) => pagesPerSecond))
  const base = median(alone.map(({ pagesPerSecond }) => pagesPerSecond))
  const cost = median(crawls.map(({ cpu }) => cpu))
  return [name, speed.toFixed(0), `${(speed / base).toFixed(2)}x`, cost.toFixed(2)]
}
const memory = (name: string, { heap, rss }: Usage) => [name, mb(heap), mb(rss)]
const worst = storm.during.reduce((most, one) => (one.heap > most.heap ? one : most))
const last = storm.during.at(-1) ?? worst

write(
  "watchers.md",
  "What people who watch the page cost",
  `the service, the site, the ${people} people and whoever changes jobs are processes of one machine with 2 cores; the people's has the lowest priority, since people have machines of their own. Each person hears of
changes and reads the overview as the page's script does, twice a second at most; ${stalled} more have connected and read nothing. Medians of ${rounds} interleaved rounds, each a crawl of
2,000 small pages on a SQLite file.`,
  `${table(["crawl", "pages a second", "beside unwatched", "CPU ms a page"], 1, [rowOf("nobody watches", alone), rowOf(`${people} people watch`, watched)])}

Each person heard of ${(median(watched.map(({ events }) => events)) / people).toFixed(0)} changes in a crawl and read the view ${(median(watched.map(({ views }) => views)) / people).toFixed(0)} times.

## ${changesPerSecond.toLocaleString("en")} changes of jobs a second, for ${stormSeconds} seconds

Another process made ${storm.rate.toFixed(0)} changes a second. Each person heard of ${(storm.heard.events / people / stormSeconds).toFixed(1)} a second, and read the view ${(storm.heard.views / people / stormSeconds).toFixed(1)} times. The service took
${((last.cpu - (storm.during[0]?.cpu ?? 0)) / (stormSeconds - 1)).toFixed(2)} s of CPU a second.

${table(["memory of the service", "heap MB", "RSS MB"], 1, [memory("before", storm.before), memory("at its most", worst), memory("at the end of the storm", last), memory("when all have gone", after)])}`
)
