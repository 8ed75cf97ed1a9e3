/**
 * One crawl of one site by one contestant, in a process of its own: prints what it found and what it took. The crawl begins with the first request
 * and not with the process, so that nobody pays for loading code.
 */
import process from "node:process"
import { contestants } from "./contestants.ts"

/** The paths of the pages that were found and kept, the seconds of the crawl, and the CPU seconds of all threads of the process. */
export interface Measured {
  readonly paths: ReadonlyArray<string>
  readonly seconds: number
  readonly cpu: number
}

const [name = "", site = ""] = process.argv.slice(2)
const crawl = await contestants[name]?.()
if (crawl === undefined) throw new Error(`there is no contestant ${name}`)
const before = process.cpuUsage()
const began = performance.now()
const { seconds, urls } = await crawl(`${site}/0.html`)
const { system, user } = process.cpuUsage(before)
const measured: Measured = {
  paths: urls.map((url) => new URL(url).pathname).toSorted(),
  seconds: seconds ?? (performance.now() - began) / 1000,
  cpu: (system + user) / 1e6
}
process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit())
