/**
 * Two crawls of one site by one contestant, in a process of its own: prints what each found and took. Code is loaded before the first one begins,
 * and compiled while it runs; the second one shows what a process does that runs for longer.
 */
import process from "node:process"
import { contestants } from "./contestants.ts"

/** The paths of the pages that a crawl found and kept, its seconds, and the CPU seconds of all threads of the process. */
export interface Measured {
  readonly paths: ReadonlyArray<string>
  readonly seconds: number
  readonly cpu: number
}

const [name = "", site = "", times = "2"] = process.argv.slice(2)
const crawl = await contestants[name]?.()
if (crawl === undefined) throw new Error(`there is no contestant ${name}`)
const measured: Array<Measured> = []
for (let time = 0; time < Number(times); time++) {
  const before = process.cpuUsage()
  const began = performance.now()
  const { seconds, urls } = await crawl(`${site}/0.html`)
  const { system, user } = process.cpuUsage(before)
  measured.push({
    paths: urls.map((url) => new URL(url).pathname).toSorted(),
    seconds: seconds ?? (performance.now() - began) / 1000,
    cpu: (system + user) / 1e6
  })
}
process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit())
