/** How much memory `serve` takes while it crawls a gigabyte of pages, with Node.js's own limit of its heap and with a small one. Linux only. */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { table, write } from "./measure.ts"

const pages = Number(process.argv[2] ?? 10_000)
const mebibyte = 2 ** 20

const words = "some words of a page, as people write them: ".repeat(22)
const text = Array.from({ length: 100 }, (_, n) => `<h2>Part ${n}</h2><p>${words}</p>`).join("")

/** Each page leads to the next three. */
const site = createServer(({ url = "" }, response) => {
  const at = Number(url.slice(1))
  const links = [1, 2, 3].map((step) => at * 3 + step).filter((next) => next < pages)
  const body = `<title>Page ${at}</title>${links.map((next) => `<a href="/${next}">${next}</a>`).join("")}${text}`
  response.writeHead(200, { "content-type": "text/html" }).end(body)
})
await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve))
const { port } = site.address() as AddressInfo

interface Job {
  readonly id: string
  readonly status: string
  readonly items_done: number
}

/** One crawl by a process of its own. */
const crawl = async (options: string) => {
  const folder = mkdtempSync(join(tmpdir(), "crawl-memory-"))
  const database = join(folder, "crawl.db")
  const main = join(import.meta.dirname, "../../apps/crawler/src/main.ts")
  const flags = ["--disable-warning=ExperimentalWarning", main, "serve", "--port", "0", "--allow-private"]
  const running = spawn(process.execPath, [...flags, "--database", database], {
    env: { ...process.env, NODE_OPTIONS: options },
    stdio: ["ignore", "pipe", "ignore"]
  })
  const url = await new Promise<string>((resolve) =>
    createInterface({ input: running.stdout }).on("line", (line) => resolve(/http:\S+/.exec(line)?.[0] ?? ""))
  )
  const ask = async (path: string, body?: object): Promise<Job> => {
    const headers = { authorization: "Bearer local", "content-type": "application/json" }
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }
    return (await (await fetch(new URL(path, url), { headers, ...init })).json()) as Job
  }
  const begun = performance.now()
  const { id } = await ask("/v1/crawl", { url: `http://127.0.0.1:${port}/0`, items_limit: pages })
  const answers: Array<number> = []
  let job: Job
  do {
    await sleep(250)
    const asked = performance.now()
    job = await ask(`/v1/job/${id}?limit=1`)
    answers.push(performance.now() - asked)
  } while (job.status === "new" || job.status === "in_progress")
  if (job.items_done !== pages) throw new Error(`${job.items_done} of ${pages} pages`)
  const seconds = (performance.now() - begun) / 1000
  const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.pid}/status`, "utf8")) ?? []
  const kept = statSync(database).size
  const ended = new Promise((resolve) => running.once("close", resolve))
  running.kill()
  await ended
  rmSync(folder, { recursive: true })
  const sorted = answers.toSorted((one, other) => one - other)
  return [
    options === "" ? "as it is" : options,
    `${Math.round((pages * text.length) / mebibyte)}`,
    `${Math.round(kept / mebibyte)}`,
    `${Math.round(Number(peak) / 1024)}`,
    (pages / seconds).toFixed(0),
    (sorted[Math.floor(sorted.length * 0.99)] ?? NaN).toFixed(0)
  ]
}

const rows = [await crawl(""), await crawl("--max-old-space-size=160")]
site.close()
write(
  "crawl-memory.md",
  "Memory of a large crawl",
  `the site runs on the same 2 cores; ${pages.toLocaleString("en-US")} pages of ${Math.round(text.length / 1024)} KiB in one job, on a SQLite file. Without a limit, V8 lets its heap grow while there is memory. Other work ran beside it: compare the memory, and not the speed.`,
  table(["NODE_OPTIONS", "MiB of pages", "MiB kept", "peak MiB (RSS)", "pages a second", "ms of a poll, p99"], 1, rows)
)
